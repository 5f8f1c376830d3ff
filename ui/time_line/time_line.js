// Runs again at every tick of Python, on the same element: what it must remember lives on the element.
const two = (n) => String(n).padStart(2, '0');
function clock(s) {
  const d = new Date(1000 * s);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.line');
  const find = (selector) => root.querySelector(selector);
  const input = find('input'), at = find('.at');
  const { first, last, speed, marks } = data;
  const wide = Math.max(last - first, 1);
  input.min = 0;
  input.max = wide;
  find('.first').textContent = `${clock(first)} UTC`;
  find('.last').textContent = `${clock(last)} UTC`;

  const say = () => {
    const now = clock(first + Number(input.value));
    at.textContent = now;
    input.setAttribute('aria-valuetext', `${now} UTC`);
  };
  const place = (s) => {
    if (root._held) return; // the viewer's finger is on it
    input.value = Math.round(Math.min(Math.max(s - first, 0), wide));
    say();
  };
  find('.marks').innerHTML = marks.map(([s, kind]) => `<i class="${kind}" style="left:${100 * (s - first) / wide}%">`
    + `${{ alert: '◆', ghost: '◇' }[kind] || ''}</i>`).join('');

  // Ticks of Python come late by turns: while one play goes on the anchor is its first tick's.
  if (!data.play) root._anchor = undefined;
  else if (root._anchor?.id !== data.play) root._anchor = { id: data.play, at: data.at, began: performance.now() };
  const anchor = root._anchor;
  const go = () => place(anchor ? anchor.at + Math.floor((performance.now() - anchor.began) / 1000 * speed) : data.at);
  go();
  clearInterval(root._going); // of the run before, should it still go
  const going = root._going = anchor ? setInterval(go, 100) : 0;
  input.oninput = () => { root._held = true; say(); };
  input.onchange = () => { root._held = false; setTriggerValue('at', first + Number(input.value)); };
  // No change event comes from a drag away and back, or from a finger that is called off.
  input.onpointerup = () => { root._held = false; }; // the value stays: a change event that follows reads it
  input.onpointercancel = input.onblur = () => { if (root._held) { root._held = false; go(); } };
  return () => clearInterval(going);
}
