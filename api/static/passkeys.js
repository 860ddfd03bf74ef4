// Passkeys: a form marked data-passkey asks the browser to make one ("create") or to prove one ("get"), puts what it
// answered into the form's field, and sends the form as any other. Nothing is kept here.

const ASK = { create: "create", get: "get" };

/** Bytes as the server writes them, and back. */
const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** What the server asks, with bytes where the browser wants bytes. */
function asked(options) {
  const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));
  const publicKey = { ...options, challenge: bytesOf(options.challenge) };
  if (options.user) publicKey.user = { ...options.user, id: bytesOf(options.user.id) };
  if (options.excludeCredentials) publicKey.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) publicKey.allowCredentials = named(options.allowCredentials);
  return { publicKey };
}

/** What the browser answered, as JSON. Not its own toJSON: not every browser, nor keeper of passkeys, has one. */
function answered(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = textOf(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: textOf(credential.rawId), type: credential.type, response });
}

function say(form, sentence) {
  const place = form.querySelector("[data-passkey-said]");
  place.hidden = !sentence;
  place.querySelector("p").textContent = sentence;
}

/** The sentence for what went wrong: people stop, take too long, or have this passkey already. */
function whyNot(form, error) {
  if (error.name === "NotAllowedError" || error.name === "AbortError") return form.dataset.stopped;
  if (error.name === "InvalidStateError") return form.dataset.known;
  return error.sentence || form.dataset.failed;
}

async function run(form) {
  const answer = await fetch(form.dataset.options, { method: "POST", headers: { Accept: "application/json" } });
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw Object.assign(new Error(), { sentence: page.querySelector("h1")?.textContent.trim() });
  }
  const credential = await navigator.credentials[ASK[form.dataset.passkey]](asked(await answer.json()));
  form.elements.answer.value = answered(credential);
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    say(form, form.dataset.unable);
    form.querySelector("button").disabled = true;
  }
  form.addEventListener("submit", async (event) => {
    // On the form itself, so that it comes before enhance.js, which is told at the window.
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    say(form, "");
    try {
      await run(form);
    } catch (error) {
      form.removeAttribute("aria-busy");
      say(form, whyNot(form, error));
    }
  });
}
