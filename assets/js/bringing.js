"use strict";
// A picture that another program made of this frame: sent up, looked at, and taken as a try.
(() => {
  const { state, make } = studio;

  studio.bringing = (ref, server) => {
    const radios = [...ref.fits.querySelectorAll("input")];
    let incoming = null; // { picture, name, frame }
    let asked = 0; // the latest question; an earlier one's answer is not shown

    const options = () => ({ fit: (radios.find((radio) => radio.checked && !ref.fits.hidden) || { value: "same" }).value, align: ref.align.checked, limit: ref.limit.checked });
    const look = async () => {
      const turn = ++asked;
      ref.bringAdd.disabled = true;
      const answer = await studio.ask(server, "place_picture", { project_id: state.view.id, frame: incoming.frame, picture: incoming.picture, name: incoming.name, ...options() }).catch(() => null);
      if (turn !== asked || !incoming) return;
      if (!answer) { ref.bring.close(); return; }
      if (answer.choice && ref.fits.hidden) { // another shape: shown as it would be fitted in, for a person to choose
        ref.fits.hidden = false;
        radios[0].checked = true;
        look();
        return;
      }
      const problem = Boolean(answer.problem);
      if (problem && !ref.bring.open) { studio.toast(answer.problem, "error", { about: "picture" }); incoming = null; return; }
      ref.preview.hidden = problem;
      if (!problem) ref.preview.src = answer.preview;
      ref.previewNote.textContent = problem ? "" : `Frame ${incoming.frame} as this try would show it, with the outline of the mask`;
      ref.bringWarning.textContent = studio.sentence(answer.problem || answer.warning || ".");
      ref.bringWarning.hidden = !problem && !answer.warning;
      ref.bringAbout.replaceChildren(...(answer.about || []).map((line) => make("li", {}, line)));
      ref.bring.dataset.likeness = answer.likeness || "";
      ref.bringAdd.disabled = problem;
      if (!ref.bring.open) { ref.bring.showModal(); ref.bringCaption.focus(); }
    };

    const take = async (file, name = file.name) => {
      if (!file || !state.view || ref.bring.open) return;
      studio.set({ playing: false });
      ref.bringBack.disabled = true;
      const answer = await fetch(`${studio.address("picture")}?name=${encodeURIComponent(name)}`, { method: "POST", headers: { "X-Vivid-Studio": "1" }, body: file }).catch(() => null);
      ref.bringBack.disabled = false;
      ref.file.value = "";
      if (!answer || !answer.ok) { studio.toast(answer ? await answer.text() : "The picture did not arrive: see that the program still runs, then bring it again.", "error", { about: "picture" }); return; }
      studio.settle("picture");
      incoming = { picture: (await answer.json()).picture, name, frame: state.frame };
      ref.fits.hidden = true;
      ref.bringCaption.value = studio.askedCaption();
      look();
    };
    ref.bringBack.addEventListener("click", () => ref.file.click());
    ref.file.addEventListener("change", () => take(ref.file.files[0]));
    for (const control of [...radios, ref.align, ref.limit]) control.addEventListener("change", look);
    ref.bringCancel.addEventListener("click", () => ref.bring.close());
    ref.bring.addEventListener("close", () => { incoming = null; ref.preview.removeAttribute("src"); });
    ref.bring.addEventListener("keydown", (event) => event.stopPropagation());
    ref.bringTask.addEventListener("change", () => { ref.bringCaption.disabled = ref.bringTask.value === "delete"; });
    ref.bringForm.addEventListener("submit", (event) => {
      event.preventDefault();
      const caption = ref.bringCaption.value.trim();
      const task = ref.bringTask.value;
      if (task !== "delete" && !caption) {
        ref.bringWarning.textContent = "Say in a few words what the region shows now: the video model reads it.";
        ref.bringWarning.hidden = false;
        ref.bringCaption.focus();
        return;
      }
      const { frame, picture, name } = incoming;
      ref.bringAdd.disabled = true;
      studio.change(server, "bring_back", { frame, picture, name, task, caption: task === "delete" ? "" : caption, ...options(), parent: state.branch || null, seed: studio.whole(studio.seedField) || 0 }).then((answer) => {
        studio.set({ tryId: answer.edit });
        studio.goTo(frame);
        ref.bring.close();
      }, () => { ref.bringAdd.disabled = false; });
    });

    const image = (file) => file.type.startsWith("image/");
    studio.arrivals.of("keyframe", {
      says: "A picture becomes a try of this frame.",
      fits: (files) => files.length === 1 && image(files[0]),
      take: ([file], pasted) => take(file, pasted ? "pasted.png" : file.name),
    });
  };
})();
