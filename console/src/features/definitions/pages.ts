/** The pages about definitions, which are loaded together when one of them is opened. */
export { ChangeTablePage, NewTablePage } from "./TablePage";
export { ChangeViewPage, NewViewPage } from "./ViewPage";
export { WorkspacePage } from "./WorkspacePage";
