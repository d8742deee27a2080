/**
 * Images: choosing among 100,000 tags, listing them, editing a tree, and the way from a push event to a pushed commit.
 * Bars: issue "Images to their specification". `node scripts/run-ts.mjs bench/images.ts [choose|list|edit|deliver]`.
 */
import { isMainThread } from 'node:worker_threads';
import { benchChoose } from './images/choose.ts';
import { benchDeliver } from './images/deliver.ts';
import { benchEdit } from './images/edit.ts';
import { benchList, serveTags } from './images/list.ts';

const benches = { choose: benchChoose, list: benchList, edit: benchEdit, deliver: benchDeliver };
if (isMainThread) {
  const only = process.argv[2];
  for (const [name, run] of Object.entries(benches)) {
    if (only === undefined || only === name) await run();
  }
} else await serveTags();
