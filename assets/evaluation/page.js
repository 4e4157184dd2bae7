// Clips play while they are on the screen; each can be stopped and stepped through, and all at once.
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const all = document.getElementById("all");
const figures = [...document.querySelectorAll("figure")];
let stopped = still;

function show(figure) {
  const video = figure.querySelector("video"), button = figure.querySelector("button"), range = figure.querySelector("input");
  button.textContent = video.paused ? "▶" : "❚❚";
  button.setAttribute("aria-label", video.paused ? "Play" : "Pause");
  range.value = Math.min(Math.floor(video.currentTime * range.dataset.rate + 0.01), range.max);
}

for (const figure of figures) {
  const video = figure.querySelector("video"), range = figure.querySelector("input");
  figure.querySelector(".controls").hidden = false;
  figure.querySelector("button").onclick = () => {
    figure.held = !video.paused;
    if (video.paused) video.play(); else video.pause();
  };
  range.oninput = () => {
    figure.held = true;
    video.pause();
    video.currentTime = (Number(range.value) + 0.5) / range.dataset.rate;
  };
  for (const event of ["play", "pause", "timeupdate", "seeked"]) video.addEventListener(event, () => show(figure));
  video.removeAttribute("autoplay");
  video.pause();
  show(figure);
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const figure = target.closest("figure");
    if (isIntersecting && !stopped && !figure.held) target.play().catch(() => {}); else target.pause();
  }
});
for (const figure of figures) seen.observe(figure.querySelector("video"));

if (all && figures.length) {
  const label = () => { all.textContent = stopped ? "Play all" : "Pause all"; };
  all.hidden = false;
  label();
  all.onclick = () => {
    stopped = !stopped;
    label();
    for (const figure of figures) {
      const video = figure.querySelector("video"), box = video.getBoundingClientRect();
      figure.held = false;
      if (!stopped && box.bottom > 0 && box.top < innerHeight) video.play(); else video.pause();
    }
  };
}
