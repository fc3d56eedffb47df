// Says five minutes before a session ends unused that it does, and keeps it if somebody is there (WCAG 2.2, 2.2.1).
const notice = document.getElementById("idle");
let timer;

function wait() {
  clearTimeout(timer);
  notice.hidden = true;
  timer = setTimeout(() => { notice.hidden = false; }, 1000 * Number(notice.dataset.seconds));
}

notice.querySelector("button").addEventListener("click", async () => {
  const answer = await fetch(notice.dataset.keep, { method: "HEAD" });
  if (answer.redirected) location.reload();  // it was over already
  else wait();
});
wait();
