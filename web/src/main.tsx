import { render } from "preact";
import { App } from "./ui/App.tsx";
import { startSession } from "./state/session.ts";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/heads.css";
import "./styles/example.css";

startSession();
render(<App />, document.getElementById("app")!);
