"use strict";
// Step 3: the form of the region. While a slider moves, one request is out at a time and the latest value wins.
(() => {
  const { state } = studio;

  studio.parts.adjust = (ref, server) => {
    const radios = [...ref.forms.querySelectorAll("input")];
    let sending = false;
    let again = false;

    const values = () => ({ form: (radios.find((radio) => radio.checked) || radios[0]).value, pixels: Number(ref.pixels.value), feather: Number(ref.feather.value) });
    const send = async () => {
      label();
      if (sending) { again = true; return; }
      sending = true;
      do {
        again = false;
        await studio.change(server, "set_adjustment", values()).catch(() => {});
      } while (again);
      sending = false;
      show();
    };
    const label = () => {
      const { form, pixels, feather } = values();
      ref.pixels.disabled = !form.endsWith("expand");
      ref.pixelsText.textContent = ref.pixels.disabled ? "only for the wide forms" : `${pixels} px`;
      ref.featherText.textContent = `${feather} px`;
    };
    const show = () => {
      if (!state.view || sending) return;
      const { form, pixels, feather } = state.view.adjustment;
      for (const radio of radios) radio.checked = radio.value === form;
      ref.pixels.value = pixels;
      ref.feather.value = feather;
      label();
    };
    for (const radio of radios) radio.addEventListener("change", send);
    ref.pixels.addEventListener("input", send);
    ref.feather.addEventListener("input", send);
    ref.primary.addEventListener("click", () => studio.openStep("keyframe"));

    studio.on("view", () => {
      show();
      if (!state.view) return;
      const { open, reason } = state.view.steps.keyframe;
      ref.primary.disabled = !open;
      ref.reason.textContent = reason;
    });
  };
})();
