import { Http } from './protocol/http';
import { tabId } from './protocol/ids';

/** The page's one door to the server, and its name among the tabs. */
export const http = new Http();
export const tab = tabId(sessionStorage);
