// Fetches the moving part of the page every two seconds while somebody looks at it.
const live = document.getElementById("live");
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(live.dataset.from);
  if (answer.ok) live.innerHTML = await answer.text();
}
if (live) setInterval(refresh, 2000);
