// A QR brings the code behind the #, which no browser sends: take it from there into the form, out of the history, and look.
const form = document.getElementById("code");

function take() {
  const code = location.hash.slice(1);
  if (!/^[0-9A-Za-z-]{20,64}$/.test(code)) return;
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  form.requestSubmit();
}

addEventListener("hashchange", take);
take();
