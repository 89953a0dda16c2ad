// Where pictures come from. A source gives the frame of this moment, and is closed when another one is chosen.
//
// What a reader would get wrong: what is drawn over is a copy. A detector must never see its own boxes.
import { drawScene } from "./drawn.js";

const drawn = () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const frame = (time) => (drawScene(canvas, time), canvas);
  return { frame, moves: true, close() {} };
};

const playing = async (video) => {
  await Object.assign(video, { muted: true, loop: true, playsInline: true }).play();
  return video;
};

const camera = async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const video = await playing(Object.assign(document.createElement("video"), { srcObject: stream }));
  return {
    frame: () => video,
    moves: true,
    close: () => stream.getTracks().forEach((track) => track.stop()),
  };
};

const ofFile = async (file) => {
  if (!file.type.startsWith("video/")) {
    const picture = await createImageBitmap(file);
    return { frame: () => picture, moves: false, close: () => picture.close() };
  }
  const src = URL.createObjectURL(file);
  const video = await playing(Object.assign(document.createElement("video"), { src }));
  const close = () => {
    video.pause();
    URL.revokeObjectURL(src);
  };
  return { frame: () => video, moves: true, close };
};

/** The source of that name; nothing where there is no file yet. */
export const openSource = async (name, file) => {
  if (name === "camera") return camera();
  if (name === "drawn") return drawn();
  return file ? ofFile(file) : undefined;
};

/** How large a frame is. */
export const sizeOf = (frame) => [frame.videoWidth ?? frame.width, frame.videoHeight ?? frame.height];
