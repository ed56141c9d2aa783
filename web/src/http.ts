import { Http } from './protocol/http';
import { tabId } from './protocol/ids';
import { BrowserKeys } from './protocol/keystore';

/** The page's one door to the server, and its name among the tabs. */
export const http = new Http(undefined, undefined, new BrowserKeys());
export const tab = tabId(sessionStorage);
