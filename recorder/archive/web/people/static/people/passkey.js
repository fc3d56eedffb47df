// Says on the page that a passkey did not work: allauth's script says it to the console alone.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey_failed").hidden = false;
});
