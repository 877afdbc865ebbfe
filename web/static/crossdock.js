// What htmx does not do: nothing is fetched for a page that nobody looks at.
document.addEventListener("htmx:confirm", (event) => {
  if (document.hidden && event.detail.triggeringEvent?.type !== "submit") event.preventDefault();
});
