/** Whether anyone can see the page: a hidden one has no timers, no events and no drawing. */
export class Visibility {
  visible = $state(!document.hidden)

  constructor() {
    document.addEventListener('visibilitychange', () => (this.visible = !document.hidden))
  }
}
