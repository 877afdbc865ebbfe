// What htmx does not do: nothing is fetched for a page that nobody looks at.
document.addEventListener("htmx:confirm", (event) => {
  if (document.hidden && event.detail.triggeringEvent?.type !== "submit") event.preventDefault();
});
// One box ticks all boxes of a form.
document.addEventListener("change", (event) => {
  const form = event.target.dataset?.ticks;
  if (form) document.querySelectorAll(`input[name="id"][form="${form}"]`).forEach((box) => { box.checked = event.target.checked; });
});
