// The function runs again at every rerun of Python, on the same DOM: the dial's own state (k, typed, sent) lives on the
// root element, and handlers are assigned, never added.
const PICKS = [0.90, 0.95, 0.975, 0.99];
const LADDER = [...Array(99).keys()].map((p) => (p + 1) / 100).concat([0.995, 0.999]); // PageUp and PageDown
const BAR_SCALE = 0.20; // the table's bars run from 0 to 20 %
const LEFT = 8, TOP = 22, RIGHT = 46, BOTTOM = 26; // px around the plot
const QUIET_MS = 350; // after the last key, before Python is told
const CELLS = ['seconds', 'spikes', 'rate', 'episodes', 'hourly', 'share', 'bars'];
const whole = new Intl.NumberFormat('en-US');

function figure(x) { // two significant digits, never scientific: as ui/theme.py writes them
  if (!x) return '0';
  const rounded = Number(x.toExponential(1));
  return rounded.toFixed(Math.max(0, 1 - Math.floor(Math.log10(Math.abs(rounded)))));
}
function percent(share) { return share === 0 ? '0 %' : `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`; }
function place(share) { return `P${(100 * share).toFixed(share > 0.99 ? 2 : 1)}`; }
function read(text) { // what was typed: a percentile as a share, or a threshold; null where it is neither
  const plain = text.trim().replace(',', '.').replace(/\s*(bps|×|x)$/i, '');
  const share = /^p\s*(\d+(?:\.\d+)?)(?:\s*%)?$/i.exec(plain) || /^(\d+(?:\.\d+)?)\s*%$/.exec(plain);
  if (share) return share[1] > 0 && share[1] < 100 ? { share: share[1] / 100 } : null;
  return /^\d*\.?\d+$/.test(plain) && Number(plain) > 0 ? { tau: Number(plain) } : null;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('.dial');
  const find = (selector) => root.querySelector(selector);
  const plot = find('.plot'), back = find('.back'), front = find('.front'), picks = find('.picks');
  const input = find('.tau'), how = find('.how'), said = find('.said'), percentile = find('.percentile');
  const { lo, hi, bins, splits, enough, unit } = data;
  const names = Object.keys(splits), first = splits[names[0]];
  const logLo = Math.log(lo), step = (Math.log(hi) - logLo) / bins;
  const edge = (k) => Math.exp(logLo + k * step);
  const clamp = (k) => Math.max(0, Math.min(bins, k));
  const toBin = (value) => clamp(Math.round((Math.log(value) - logLo) / step));
  const spoken = unit === 'bps' ? 'basis points' : 'times slow volatility';

  const near = (a, b) => Math.abs(a - b) <= 1e-9 * b; // exp() here and geomspace in Python differ in the last digit
  const scale = `${lo}|${hi}|${unit}`, answers = data.heard >= (root._stamp ?? 0); // not to a release before the last
  if (root._scale !== scale || (answers && data.tau !== root._tau)) {
    if (root._scale !== scale || !near(data.tau, root._sent)) { // another distribution, or Python moved τ
      root._k = toBin(data.tau);
      root._typed = root._sent = data.tau;
    }
    root._scale = scale;
    root._tau = data.tau;
  }
  let k = root._k, typed = root._typed; // typed: an exact τ between two edges, until the handle is moved
  const tau = () => typed ?? edge(k);
  const editing = () => input.getRootNode().activeElement === input && root._edited;

  const reached = (share) => { // first edge with at least `share` of the training part below it
    let a = 0, b = bins;
    while (a < b) { const m = (a + b) >> 1; if (first.cum[m] < share * first.n) a = m + 1; else b = m; }
    return a;
  };
  const pick = PICKS.map(reached), ladder = LADDER.map(reached);
  const all = new Float64Array(bins + 1);
  for (const name of names) splits[name].cum.forEach((c, i) => { all[i] += c; });

  const body = find('tbody');
  if (body.dataset.names !== names.join()) {
    body.dataset.names = names.join();
    body.innerHTML = names.map((name) => `<tr data-split="${name}"><th scope="row">${name}</th>`
      + `${CELLS.map((c) => `<td class="${c}">${c === 'bars' ? '<i class="bar"></i>' : ''}</td>`).join('')}</tr>`).join('');
    picks.innerHTML = PICKS.map((share) => `<button type="button">P${100 * share}</button>`).join('');
  }
  const rows = [...body.rows].map((row) => Object.fromEntries(CELLS.map((c) => [c, row.querySelector(c === 'bars' ? '.bar' : `.${c}`)])));
  names.forEach((name, i) => { rows[i].seconds.textContent = whole.format(splits[name].n); });
  [...picks.children].forEach((button, i) => { button.onclick = () => { move(pick[i]); release(); }; });
  find('.unit').textContent = unit === 'bps' ? 'bps' : '× the trailing hour';
  const hint = () => { how.textContent = `drag, or type ${unit === 'bps' ? 'bps' : 'a multiple'} or a percentile, as P96.5`; };
  if (!input.hasAttribute('aria-invalid')) hint(); // else it says what is wrong with what stands in the field
  input.setAttribute('aria-label', `τ in ${spoken}, or a percentile such as P96.5`);

  let width, height, ratio, right, bottom, colours = {}, bars, heights, curve, frame = 0, dragging = false;
  const x = (i) => LEFT + (right - LEFT) * i / bins;

  function sizes() {
    const css = getComputedStyle(root), get = (name) => css.getPropertyValue(name).trim();
    colours = {
      muted: get('--st-gray-color'), border: get('--st-border-color'), text: get('--st-text-color'), vol: get('--st-blue-color'),
      spike: get('--st-orange-color'), tau: get('--st-yellow-color'), bg: get('--st-background-color'), font: get('--st-font'),
    };
    ratio = window.devicePixelRatio || 1;
    width = plot.clientWidth; height = plot.clientHeight;
    right = width - RIGHT; bottom = height - BOTTOM;
    for (const canvas of [back, front]) { canvas.width = width * ratio; canvas.height = height * ratio; }
  }

  function paintBack() { // axes and everything that does not move with the pointer
    sizes();
    if (width < RIGHT + LEFT + 20) return; // not laid out yet
    const g = back.getContext('2d');
    g.scale(ratio, ratio);
    g.font = `12px ${colours.font}`; g.strokeStyle = colours.border; g.fillStyle = colours.muted; g.lineWidth = 1;
    const line = (x0, y0, x1, y1, alpha) => { g.globalAlpha = alpha; g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke(); g.globalAlpha = 1; };
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = Math.round(bottom - (bottom - TOP) * share) + 0.5;
      line(LEFT, y, right, y, 0.55);
      g.fillText(`${Math.round(share * 100)} %`, right + 8, y + 4);
    }
    const wide = width > 520;
    g.textAlign = 'center';
    for (let e = -3; e < 5; e++) {
      for (const m of wide ? [1, 2, 5] : [1, 3]) {
        const value = m * 10 ** e;
        if (value < lo || value > hi) continue;
        const at = x((Math.log(value) - logLo) / step);
        if (at > right - 10) continue; // the unit stands there
        g.fillText(+value.toPrecision(2), at, height - 8);
        line(at, bottom, at, bottom + 4, 0.55);
      }
    }
    g.textAlign = 'right'; g.fillText(unit, right + 38, height - 8);
    for (const b of pick) line(x(b), TOP - 6, x(b), TOP, 0.5);

    bars = Math.max(1, Math.min(250, Math.floor((right - LEFT) / 3)));
    const per = bins / bars;
    const at = (i) => { const a = Math.floor(i); return a >= bins ? all[bins] : all[a] + (i - a) * (all[a + 1] - all[a]); };
    heights = Array.from({ length: bars }, (_, i) => at((i + 1) * per) - at(i * per));
    const top = Math.max(...heights, 1e-9);
    heights = heights.map((h) => h / top);
    curve = new Path2D();
    for (let i = 0; i <= bins; i += 4) {
      const y = bottom - (bottom - TOP) * first.cum[i] / Math.max(first.n, 1);
      if (i) curve.lineTo(x(i), y); else curve.moveTo(x(i), y);
    }
    g.textAlign = 'left';
    g.fillStyle = colours.text; g.fillText(`share of ${names[0]} below`, x(bins * 0.02), TOP + 16);
    g.fillStyle = colours.muted; if (wide) g.fillText('bars: seconds per bin, all splits', x(bins * 0.02), TOP + 32);
    draw();
  }

  function draw() { // what moves: bars' colours, the line, the handle, the numbers
    frame = 0;
    if (!curve) return;
    const g = front.getContext('2d'), w = (right - LEFT) / bars, at = x(k);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    const fill = (a, b, y, spike) => { if (b > a) { g.fillStyle = spike ? colours.spike : colours.vol; g.globalAlpha = spike ? 0.9 : 0.5; g.fillRect(a, y, b - a, bottom - y); } };
    for (let i = 0; i < bars; i++) {
      const a = LEFT + i * w, b = a + Math.max(1, w - 1), y = bottom - (bottom - TOP) * heights[i] * 0.92;
      fill(a, Math.min(b, at), y, false);
      fill(Math.max(a, at), b, y, true);
    }
    g.globalAlpha = 1;
    g.strokeStyle = colours.text; g.lineWidth = 1.3; g.stroke(curve);
    const middle = (TOP + bottom) / 2;
    g.strokeStyle = g.fillStyle = colours.tau; g.lineWidth = 2;
    g.beginPath(); g.moveTo(at, TOP - 4); g.lineTo(at, bottom); g.stroke();
    g.beginPath(); g.roundRect(at - 5, middle - 14, 10, 28, 3); g.fill();
    g.strokeStyle = colours.bg; g.lineWidth = 1;
    for (const d of [-2, 1.5]) { g.beginPath(); g.moveTo(at + d, middle - 6); g.lineTo(at + d, middle + 6); g.stroke(); }
    const share = first.n ? first.cum[k] / first.n : 0;
    g.fillStyle = colours.text; g.beginPath(); g.arc(at, bottom - (bottom - TOP) * share, 3.5, 0, 7); g.fill();
    g.font = `600 12px ${colours.font}`; g.fillStyle = colours.tau;
    const text = `τ ${figure(tau())}`, wide = g.measureText(text).width;
    g.fillText(text, Math.min(Math.max(at - wide / 2, LEFT), right - wide), 12);
    numbers();
  }

  function numbers() {
    if (!editing()) input.value = figure(tau());
    names.forEach((name, i) => {
      const { n, cum, episodes } = splits[name], exact = typed !== null && typed === data.tau && data.counts[name];
      const [spikes, runs] = exact || [n - cum[k], episodes[k]], rate = n ? spikes / n : 0;
      write(rows[i].spikes, whole.format(spikes), spikes < enough.spikes);
      write(rows[i].rate, percent(rate));
      write(rows[i].episodes, whole.format(runs), runs < enough.episodes);
      write(rows[i].hourly, n ? figure(3600 * rate) : '–');
      write(rows[i].share, n ? place(1 - rate) : '–');
      rows[i].bars.style.transform = `scaleX(${Math.min(1, rate / BAR_SCALE)})`;
    });
    percentile.textContent = `= ${rows[0].share.textContent} of ${names[0]}`;
    [...picks.children].forEach((button, i) => {
      const on = pick[i] === k;
      button.classList.toggle('on', on);
      button.setAttribute('aria-pressed', on);
    });
    const now = figure(tau());
    plot.setAttribute('aria-valuemin', figure(lo));
    plot.setAttribute('aria-valuemax', figure(hi));
    plot.setAttribute('aria-valuenow', now);
    plot.setAttribute('aria-valuetext', `${now} ${spoken}, ${rows[0].rate.textContent} of ${names[0]} seconds are spikes`);
    root.dataset.k = k;
  }
  function write(cell, text, few = false) { // a node that is right already is left alone: each change costs a layout
    if (cell.textContent !== text) cell.textContent = text;
    if (cell.classList.contains('few') !== few) cell.classList.toggle('few', few);
  }
  function say() { // what the pointer shows at a glance, for who does not see it
    const parts = names.map((name, i) => `${name} ${rows[i].spikes.textContent} spikes in ${rows[i].episodes.textContent} episodes`);
    said.textContent = `τ ${figure(tau())} ${spoken}: ${parts.join(', ')}.`;
  }

  const ask = () => { frame ||= requestAnimationFrame(draw); };
  function move(to, exact = null) {
    const next = clamp(Math.round(to));
    if (next === k && exact === typed) return;
    k = root._k = next;
    typed = root._typed = exact;
    ask();
  }
  function release() {
    clearTimeout(root._quiet);
    if (near(tau(), root._sent)) return;
    root._sent = tau();
    root._stamp = Date.now();
    if (frame) { cancelAnimationFrame(frame); draw(); }
    say();
    setStateValue('at', { k, typed, stamp: root._stamp });
  }
  const binAt = (event) => (event.clientX - plot.getBoundingClientRect().left - LEFT) / (right - LEFT) * bins;

  plot.onpointerdown = (event) => { if (event.button) return; dragging = true; plot.setPointerCapture(event.pointerId); move(binAt(event)); };
  plot.onpointermove = (event) => { if (dragging) move(binAt(event)); };
  plot.onpointerup = plot.onpointercancel = () => { if (dragging) { dragging = false; release(); } };
  plot.onkeydown = (event) => {
    if (/^[\dpP.]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) { input.focus(); return; } // the key lands in it
    const by = event.shiftKey ? 20 : 2, next = ladder.find((b) => b > k), previous = ladder.findLast((b) => b < k);
    const to = {
      ArrowRight: k + by, ArrowUp: k + by, ArrowLeft: k - by, ArrowDown: k - by, Home: 0, End: bins,
      PageUp: next ?? k, PageDown: previous ?? k,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
    clearTimeout(root._quiet);
    root._quiet = setTimeout(release, QUIET_MS);
  };
  plot.onblur = release;

  input.onfocus = () => { root._edited = true; input.select(); };
  input.oninput = () => { input.removeAttribute('aria-invalid'); hint(); };
  input.onkeydown = (event) => {
    if (event.key === 'Escape') leave();
    else if (event.key === 'Enter') { event.preventDefault(); if (take()) plot.focus(); }
  };
  input.onblur = () => { if (root._edited) { if (input.value.trim() === figure(tau()) || !take()) leave(); } };
  function take() { // true where what stands in the field is a place on the dial
    const meant = read(input.value);
    const there = meant && (meant.share !== undefined || (meant.tau >= lo && meant.tau <= hi));
    if (!there) {
      input.setAttribute('aria-invalid', 'true');
      how.textContent = meant ? `the dial goes from ${figure(lo)} to ${figure(hi)}` : 'not a threshold: type 8.7, P96.5 or 96.5 %';
      return false;
    }
    root._edited = false;
    input.removeAttribute('aria-invalid');
    hint();
    if (meant.share !== undefined) move(reached(meant.share)); else move(toBin(meant.tau), meant.tau);
    release();
    ask();
    return true;
  }
  function leave() {
    root._edited = false;
    input.removeAttribute('aria-invalid');
    hint();
    input.value = figure(tau());
    if (input.getRootNode().activeElement === input) plot.focus();
  }

  const watch = new ResizeObserver(paintBack);
  watch.observe(plot);
  root.ontransitionend = (event) => { if (event.target === root && event.propertyName === 'background-color') paintBack(); };
  document.fonts.ready.then(paintBack);
  paintBack();
  return () => { watch.disconnect(); clearTimeout(root._quiet); cancelAnimationFrame(frame); };
}
