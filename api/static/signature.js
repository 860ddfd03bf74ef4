// Signing on the screen: what is drawn on the canvas of a form goes into its field as a picture, and nothing else of it
// is kept. By finger, pen or mouse; whoever cannot draw signs on paper, which the same form takes.

const WIDTH = 4;
const INK = "#101418";

for (const form of document.querySelectorAll("form[data-signing]")) {
  const pad = form.querySelector("canvas.signature-pad");
  const field = form.querySelector("input[name=drawn]");
  const told = form.querySelector("[data-signed]");
  const pen = pad.getContext("2d");
  let last = null;

  /** Where a pointer is on the canvas, whose points are not those of the screen. */
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * pad.width) / box.width, y: ((event.clientY - box.top) * pad.height) / box.height };
  };

  const draw = (from, to) => {
    Object.assign(pen, { lineWidth: WIDTH, lineCap: "round", lineJoin: "round", strokeStyle: INK });
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
  };

  const keep = () => {
    field.value = pad.toDataURL("image/png");
    told.textContent = told.dataset.signed;
  };

  pad.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    last = at(event);
    draw(last, last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const now = at(each);
      draw(last, now);
      last = now;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => {
      if (last) keep();
      last = null;
    });
  }
  form.querySelector("[data-clear]").addEventListener("click", () => {
    pen.clearRect(0, 0, pad.width, pad.height);
    field.value = "";
    told.textContent = told.dataset.empty;
  });
}
