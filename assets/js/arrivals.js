"use strict";
// Files that are dropped on the page or pasted into it: a step may want them for itself, anything else is a video to open.
(() => {
  const { state } = studio;
  const takers = {}; // by step: { says, fits(files), take(files) }
  let open = null; // what takes a video: { says, take(files) }

  studio.arrivals = {
    of: (step, taker) => { takers[step] = taker; },
    others: (taker) => { open = taker; },
    question: (...words) => question(...words),
  };

  // Which of several things a file that has arrived is for: the value of the button that was pressed, null when none was.
  const question = (title, text, answers) => new Promise((done) => {
    const { make } = studio;
    const buttons = answers.map(([value, label, tip], i) => make("button", { class: i ? "vs-button" : "vs-button vs-primary", value, title: tip }, label));
    const dialog = make("dialog", { class: "vs-sheet vs-question", "aria-labelledby": "vs-question-title" }, make("h2", { id: "vs-question-title" }, title), make("p", {}, text),
      make("form", { method: "dialog" }, make("button", { class: "vs-button", value: "", title: "Leave it (Esc)" }, "Cancel"), ...buttons.reverse()));
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("close", () => { dialog.remove(); done(dialog.returnValue || null); });
    document.getElementById("studio").append(dialog);
    dialog.showModal();
    buttons[buttons.length - 1].focus();
  });

  // What looks like masks, sent while another step is open.
  const masks = async (files) => {
    const { id, name } = state.view;
    const what = files.length === 1 ? `“${files[0].name}”` : `${files.length} pictures`;
    const answer = await question("Masks?", `Use ${what} as masks for ${name}?`, [["masks", "Use as masks", "They become objects of this clip"]]);
    if (!answer || state.view.id !== id) return;
    studio.openStep("select");
    takers.select.take(files);
  };

  const still = (file) => /^image\/(?!gif|webp|apng)/.test(file.type) || /\.zip$/i.test(file.name);
  const take = (files, pasted) => {
    const taker = takers[state.step];
    if (state.view && taker && taker.fits(files)) taker.take(files, pasted);
    else if (state.view && takers.select.fits(files) && (files.length > 1 || !files[0].type.startsWith("image/"))) masks(files);
    else if (files.every(still)) studio.toast("Pictures are taken in Select, for masks, and in Keyframe, as a try: go to one of these steps, then drop them again.", "error", { about: "arrival" });
    else if (!pasted || files[0].type.startsWith("video/")) open.take(files);
  };

  // A folder is walked through; what lies in it is named by its path.
  const read = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));
  const filesOf = async (entry) => {
    if (entry.isFile) return [Object.assign(await new Promise((done, failed) => entry.file(done, failed)), { path: entry.fullPath.slice(1) })];
    const reader = entry.createReader();
    const found = [];
    for (let more = await read(reader); more.length; more = await read(reader)) found.push(...more); // a hundred at a time
    return (await Promise.all(found.map(filesOf))).flat();
  };

  let over = 0;
  const show = (on) => {
    clearTimeout(over);
    if (on) over = setTimeout(() => show(false), 1000); // what hovers says so several times a second, what was given up says nothing
    const stage = document.getElementById("studio-stage");
    document.body.classList.toggle("vs-dropping", on);
    if (on && stage) stage.dataset.drop = [state.view && takers[state.step] ? takers[state.step].says : "", open.says, state.view && state.step !== "select" ? "Masks are taken for this clip." : ""].filter(Boolean).join(" ");
  };
  window.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    if (open) show(true);
  });
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) show(false); });
  window.addEventListener("drop", (event) => {
    show(false);
    const files = [...event.dataTransfer.files];
    if (files.length) event.preventDefault(); // or the browser would leave the page for them
    if (!open || !files.length) return;
    // what is dropped can be asked for now only, before anything is waited for
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    if (!entries.some((entry) => entry.isDirectory)) { take(files, false); return; }
    Promise.all(entries.map(filesOf)).then((found) => {
      const inside = found.flat().filter((file) => !file.name.startsWith("."));
      if (state.view && inside.length && [takers[state.step], takers.select].some((taker) => taker && taker.fits(inside))) take(inside, false);
      else studio.toast("A folder opens by its path: type it under Open in the Video step. In Select, a folder of pictures is taken for masks.", "error", { about: "arrival" });
    }, () => studio.toast("The folder can't be read: drop the files that are in it instead.", "error", { about: "arrival" }));
  });
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData ? [...event.clipboardData.files] : [];
    if (!open || !files.length) return;
    event.preventDefault();
    take(files, true);
  });
})();
