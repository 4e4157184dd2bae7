// Files that are dropped on the page or pasted into it: a step may want them for itself, anything
// else is a video to open.

import { showMessage } from "../state/messages.js";
import { openStep } from "../state/project.js";
import { state } from "../state/store.js";
import { question } from "./question.js";

const takers = {}; // by step
let videos = null; // what opens a video

/** Let a step take files: `{ says, fits(files), take(files, pasted) }`. */
export const takeFiles = (step, taker) => {
  takers[step] = taker;
};

/** Take all other files, as videos: `{ says, take(files) }`. */
export const takeVideos = (taker) => {
  videos = taker;
};

const fits = (step, files) => Boolean(state.view && takers[step] && takers[step].fits(files));

// What looks like masks, sent while another step is open.
const askWhetherMasks = async (files) => {
  const { id, name } = state.view;
  const what = files.length === 1 ? `“${files[0].name}”` : `${files.length} pictures`;
  const answer = await question("Masks?", `Use ${what} as masks for ${name}?`, [
    ["masks", "Use as masks", "They become objects of this clip"],
  ]);
  if (!answer || state.view.id !== id) return;
  openStep("select");
  takers.select.take(files);
};

const isStill = (file) => /^image\/(?!gif|webp|apng)/.test(file.type) || /\.zip$/i.test(file.name);

// What the browser knows to be something else; it doesn't know every kind of video.
const isOther = (file) => /^(text|audio|font)\/|^application\/(pdf|json)$/.test(file.type);

const refuseDrop = (words) => showMessage(words, "error", { about: "arrival" });

const take = (files, pasted) => {
  if (fits(state.step, files)) takers[state.step].take(files, pasted);
  else if (fits("select", files) && (files.length > 1 || !files[0].type.startsWith("image/"))) askWhetherMasks(files);
  else if (files.every(isStill)) {
    refuseDrop("Pictures are taken in Select, for masks, and in Keyframe, as a try: drop them there.");
  } else if (isOther(files[0])) refuseDrop(`“${files[0].name}” is no video: drop a video, or pictures for masks.`);
  else if (!pasted || files[0].type.startsWith("video/")) videos.take(files);
};

// A folder is walked through; what lies in it is named by its path.
const readEntries = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));

const filesOf = async (entry) => {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [Object.assign(file, { path: entry.fullPath.slice(1) })];
  }
  const reader = entry.createReader();
  const found = [];
  for (let more = await readEntries(reader); more.length; more = await readEntries(reader)) {
    found.push(...more); // a hundred at a time
  }
  return (await Promise.all(found.map(filesOf))).flat();
};

const takeFolders = (entries) =>
  Promise.all(entries.map(filesOf)).then(
    (found) => {
      const files = found.flat().filter((file) => !file.name.startsWith("."));
      if (files.length && (fits(state.step, files) || fits("select", files))) take(files, false);
      else {
        refuseDrop("A folder opens by its path, under Open in step 1; in Select, one of pictures is taken for masks.");
      }
    },
    () => refuseDrop("The folder can't be read: drop the files that are in it instead."),
  );

// What would be done with the files, while they hover over the page

let hovering = 0;

const offer = () => {
  const words = [videos.says];
  if (state.view && takers[state.step]) words.unshift(takers[state.step].says);
  if (state.view && state.step !== "select") words.push("Masks are taken for this clip.");
  return words.join(" ");
};

const showOffer = (shown) => {
  clearTimeout(hovering);
  // files that hover say so several times a second; when they are taken away, nothing says so
  if (shown) hovering = setTimeout(() => showOffer(false), 1000);
  document.body.classList.toggle("vs-dropping", shown);
  const stage = document.getElementById("studio-stage");
  if (shown && stage) stage.dataset.drop = offer();
};

export const watchDrops = () => {
  window.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    if (videos) showOffer(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showOffer(false);
  });
  window.addEventListener("drop", (event) => {
    showOffer(false);
    const files = [...event.dataTransfer.files];
    if (files.length) event.preventDefault(); // or the browser would leave the page for them
    if (!videos || !files.length) return;
    // the entries can be read only now, before anything is waited for
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (entries.some((entry) => entry.isDirectory)) takeFolders(entries);
    else take(files, false);
  });
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData ? [...event.clipboardData.files] : [];
    if (!videos || !files.length) return;
    event.preventDefault();
    take(files, true);
  });
};
