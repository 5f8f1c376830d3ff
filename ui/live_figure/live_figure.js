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

const utc = (x) => Date.parse(/Z$/.test(x) ? x : `${x}Z`);
const iso = (ms) => new Date(ms).toISOString().replace('Z', '');

// A replay that plays is sent with some seconds of what comes: each frame shows of it what has been reached by now.
function upTo(figure, play, times, t) {
  const k = Math.max(play.t.findLastIndex((x) => x <= t), 0);
  const data = figure.data.map((trace, i) => {
    const n = times[i].findLastIndex((x) => x <= t) + 1;
    if (n === times[i].length) return trace;
    return { ...trace, x: trace.x.slice(0, n), y: trace.y.slice(0, n), text: trace.text?.slice(0, n) };
  });
  const later = (x) => typeof x === 'string' && utc(x) > t;
  const layout = structuredClone(figure.layout);
  layout.shapes = layout.shapes.filter((s) => s.xref !== 'x' || !later(s.x0));
  for (const s of layout.shapes) if (s.xref === 'x' && later(s.x1)) s.x1 = iso(t);
  layout.annotations = layout.annotations.filter((a) => a.xref !== 'x' || !later(a.x));
  for (const a of layout.annotations) {
    const tag = play.tags[a.name];
    if (tag && tag.text[k]) [a.y, a.text] = [tag.y[k], tag.text[k]];
  }
  layout.xaxis.autorangeoptions = { include: [iso(t - play.window), iso(t + play.room)] };
  return { data, layout };
}

async function playOn(box, figure, play, draw, ended) {
  // Ticks of Python come late by turns: the anchor is the first one's, and t never goes back.
  if (box._anchor?.id !== play.id) box._anchor = { id: play.id, now: play.now, began: performance.now() };
  const { now, began } = box._anchor, times = figure.data.map((trace) => trace.x.map(utc));
  for (let shown; !ended();) {
    const t = Math.min(now + (performance.now() - began) * play.speed, play.t.at(-1));
    const start = performance.now();
    if (Math.floor(t / 1000) !== shown) await draw(upTo(figure, play, times, t));
    shown = Math.floor(t / 1000);
    await new Promise((done) => setTimeout(done, Math.max(40, performance.now() - start))); // half of the time at most
  }
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
    if (box._drawn === data.figure && !data.play && box._fullLayout) return; // nothing new: a second is looked at twice
    box._drawn = data.figure;
    const figure = JSON.parse(data.figure);
    // On a phone a finger scrolls the page; the chart takes no gestures.
    const phone = window.innerWidth <= PHONE;
    if (phone) figure.layout.dragmode = false;
    const config = { displayModeBar: false, displaylogo: false, scrollZoom: !phone && data.zoom, doubleClick: 'reset+autosize' };
    const draw = async ({ data: traces, layout }) => {
      layout.width = box.clientWidth || undefined;
      layout.height = data.height;
      await library.react(box, traces, layout, config);
      scalable(box);
      box.dataset.draws = Number(box.dataset.draws || 0) + 1;
    };
    if (!box._sizes) {
      box._sizes = new ResizeObserver(() => {
        if (!box.clientWidth || !box._fullLayout || window.matchMedia('print').matches) return;
        library.relayout(box, { width: box.clientWidth }).then(() => scalable(box));
      });
      box._sizes.observe(box);
    }
    if (data.play) await playOn(box, figure, data.play, draw, () => unmounted);
    else await draw(figure);
  }).catch((error) => { box.textContent = error.message; });

  return () => { unmounted = true; };
}
