// `npm start`: builds the application and serves it; `PORT` says where, 8080 if left out.
import { OUT, build } from "./build.mjs";
import { serve } from "./server.mjs";

build();
const { address } = await serve(OUT, Number(process.env.PORT ?? 8080));
console.log(`${address}\nEnd with Ctrl+C.`);
