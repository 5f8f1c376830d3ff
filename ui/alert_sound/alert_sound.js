// Two short tones when a newer alert than the last one seen here arrives. A browser plays nothing before its first click.
const audio = { context: null };

function tone(context, at, frequency) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.4);
}

export default function ({ parentElement, data }) {
  const heard = parentElement.heard;
  parentElement.heard = data.newest;
  if (!data.on || heard === undefined || data.newest <= heard) return;
  audio.context ??= new AudioContext();
  audio.context.resume();
  tone(audio.context, audio.context.currentTime, 660);
  tone(audio.context, audio.context.currentTime + 0.25, 880);
  parentElement.dataset.rung = String(data.newest);
}
