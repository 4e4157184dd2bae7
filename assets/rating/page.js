// One item at a time; answers are kept in this browser until they are saved as a file.
const items = [...document.querySelectorAll(".item")];
const key = document.body.dataset.key;
const rater = document.getElementById("rater");
const place = document.getElementById("place");
const back = document.getElementById("back"),
  next = document.getElementById("next"),
  save = document.getElementById("save");
let at = 0;

function stored() {
  try {
    return JSON.parse(localStorage.getItem(key)) || {};
  } catch {
    return {};
  }
}

function keep() {
  const answers = Object.fromEntries(
    [...document.querySelectorAll("input:checked")].map((input) => [input.name, input.value]),
  );
  try {
    localStorage.setItem(key, JSON.stringify({ rater: rater.value, at, answers }));
  } catch {
    // The page still works; only a reload loses what was answered.
  }
}

function show(number) {
  at = Math.min(Math.max(number, 0), items.length - 1);
  items.forEach((item, index) => {
    item.hidden = index !== at;
    const video = item.querySelector("video");
    if (index === at) video.play();
    else video.pause();
  });
  const done = items.filter((item) =>
    [...item.querySelectorAll("fieldset")].every((set) => set.querySelector(":checked")),
  ).length;
  place.textContent = `${at + 1} of ${items.length}, ${done} answered`;
  back.disabled = at === 0;
  next.disabled = at === items.length - 1;
  save.disabled = !document.querySelector("input:checked");
}

function quoted(text) {
  return `"${text.replaceAll('"', '""')}"`;
}

save.onclick = () => {
  const name = rater.value.trim() || "anonymous";
  const lines = ["rater,item,question,answer"];
  for (const input of document.querySelectorAll("input:checked")) {
    lines.push(
      [name, input.closest(".item").dataset.item, input.closest("fieldset").dataset.question, input.value]
        .map(quoted)
        .join(","),
    );
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = `ratings-${name.replace(/[^\p{L}\p{N}_-]+/gu, "-")}.csv`;
  link.click();
};
back.onclick = () => {
  show(at - 1);
  keep();
};
next.onclick = () => {
  show(at + 1);
  keep();
};
rater.oninput = keep;
document.addEventListener("change", () => {
  show(at);
  keep();
});

const known = stored();
rater.value = known.rater || "";
for (const input of document.querySelectorAll("fieldset input"))
  input.checked = (known.answers || {})[input.name] === input.value;
show(known.at || 0);
