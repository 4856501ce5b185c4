// A video file or the camera: frames as they are shown.

const CAMERA_ERRORS = {
  NotAllowedError: "The camera may not be used: allow it for this page in the browser's settings, and try again.",
  NotFoundError: "There is no camera here.",
  NotReadableError: "The camera is there and cannot be read; another program may be using it.",
  OverconstrainedError: "No camera here fits what was asked for.",
};

/**
 * @param {Blob} file
 * @returns {Promise<Moving>} a video that plays, without sound, again and again
 * @throws Error with a message for people
 */
export async function openVideo(file) {
  const url = URL.createObjectURL(file);
  const moving = new Moving(() => URL.revokeObjectURL(url));
  Object.assign(moving.element, { src: url, loop: true });
  return moving.started(`“${file.name}” is no video that this browser can play; try a WebM or MP4 file.`);
}

/** @returns {Promise<Moving>} the camera that looks away from the user, where there are two. @throws as openVideo */
export async function openCamera() {
  if (!navigator.mediaDevices) throw new Error("Browsers give a camera only to pages at https:// or on this machine.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    throw new Error(CAMERA_ERRORS[error.name] ?? `The camera did not start: ${error.message}`, { cause: error });
  }
  const moving = new Moving(() => {
    for (const track of stream.getTracks()) track.stop();
  });
  moving.element.srcObject = stream;
  return moving.started("The camera sends no pictures.");
}

/** What moves, and a loop over its frames. */
class Moving {
  #release;
  #stopped = false;
  #take = () => {};
  #failed = () => {};
  element = Object.assign(document.createElement("video"), { muted: true, playsInline: true });

  constructor(release) {
    this.#release = release;
  }

  async started(message) {
    try {
      await this.element.play();
    } catch (error) {
      this.stop();
      throw new Error(message, { cause: error });
    }
    return this;
  }

  /**
   * Call `take(frame)` with every frame that is shown, a VideoFrame for it to close, until `stop`; or until there are
   * no more, which is told to `failed(error)`.
   */
  eachFrame(take, failed) {
    [this.#take, this.#failed] = [take, failed];
    const { element } = this;
    const next = element.requestVideoFrameCallback
      ? (again) => element.requestVideoFrameCallback(again)
      : (again) => requestAnimationFrame(again);
    const again = () => {
      if (this.#stopped) return;
      next(again);
      if (!element.paused) this.again();
    };
    next(again);
    element.addEventListener("error", () => this.#end("The video is damaged from here on."));
    for (const track of element.srcObject?.getTracks() ?? []) {
      track.addEventListener("ended", () => this.#end("The camera was unplugged, or taken away from this page."));
    }
  }

  /** Take the frame that is shown. */
  again() {
    if (this.element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    let frame;
    try {
      frame = new VideoFrame(this.element);
    } catch (error) {
      return this.#end(`The video's pictures cannot be read: ${error.message}`);
    }
    this.#take(frame);
  }

  #end(message) {
    if (!this.#stopped) this.#failed(new Error(message));
  }

  get paused() {
    return this.element.paused;
  }

  toggle() {
    return this.paused ? this.element.play() : this.element.pause();
  }

  stop() {
    this.#stopped = true;
    this.element.pause();
    this.element.srcObject = null;
    this.element.removeAttribute("src");
    this.#release();
  }
}
