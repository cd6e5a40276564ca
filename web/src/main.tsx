import { render } from "preact";
import { App } from "./ui/App.tsx";
import { startConcat } from "./state/concat.ts";
import { startSession } from "./state/session.ts";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/heads.css";
import "./styles/example.css";
import "./styles/blend.css";
import "./styles/concat.css";

startSession();
startConcat();
render(<App />, document.getElementById("app")!);
