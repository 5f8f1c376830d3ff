// Runs again at every rerun of Python, on the same element: state lives on the element, never in this closure.
const PHONE = 640;
let loading;

function plotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((done, failed) => {
    const script = document.createElement('script');
    const base = document.baseURI.replace(/[?#].*$/, '').replace(/\/[^/]*$/, '/');
    script.src = new URL('./app/static/plotly.min.js', base).href;
    script.onload = () => done(window.Plotly);
    script.onerror = () => {
      loading = undefined;
      failed(new Error('The chart library was not served (static/plotly.min.js). Start Tremor with run.py, which puts it there.'));
    };
    document.head.append(script);
  });
  return loading;
}

// In print the drawing scales to the paper (tremor.css): it is a picture then, whose units are today's pixels.
function scalable(box) {
  const { width, height } = box._fullLayout;
  box.style.setProperty('--shape', `${width} / ${height}`);
  box.style.setProperty('--wide', `${width}px`);
  for (const svg of box.querySelectorAll('.main-svg')) svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
}

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector('.live-figure');
  box.style.height = `${data.height}px`;
  box.setAttribute('aria-label', data.label);
  let unmounted = false;

  plotly().then(async (library) => {
    if (unmounted) return;
    if (box._drawn === data.figure && box._fullLayout) return; // nothing new: a second is looked at twice
    box._drawn = data.figure;
    const figure = JSON.parse(data.figure);
    // On a phone a finger scrolls the page; the chart takes no gestures.
    const phone = window.innerWidth <= PHONE;
    if (phone) figure.layout.dragmode = false;
    const config = { displayModeBar: false, displaylogo: false, scrollZoom: !phone && data.zoom, doubleClick: 'reset+autosize' };
    figure.layout.width = box.clientWidth || undefined;
    figure.layout.height = data.height;
    await library.react(box, figure.data, figure.layout, config);
    scalable(box);
    box.dataset.draws = Number(box.dataset.draws || 0) + 1;
    if (!box._sizes) {
      box._sizes = new ResizeObserver(() => {
        if (!box.clientWidth || !box._fullLayout || window.matchMedia('print').matches) return;
        library.relayout(box, { width: box.clientWidth }).then(() => scalable(box));
      });
      box._sizes.observe(box);
    }
  }).catch((error) => { box.textContent = error.message; });

  return () => { unmounted = true; };
}
