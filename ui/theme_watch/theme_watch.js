export default function ({ parentElement, setTriggerValue }) {
  const watch = parentElement.querySelector('.watch');
  watch.ontransitionend = () => setTriggerValue('changed', getComputedStyle(watch).backgroundColor);
}
