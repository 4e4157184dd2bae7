// Estimates of what propagating would take: asked when something that they depend on has changed,
// and no job works.

import { activeJob } from "../state/jobs.js";
import { ask } from "../state/requests.js";

/**
 * Returns { refresh(name, key, values), latest() }. `refresh` asks the handler `name` once as long
 * as `key`, which names what the estimate depends on, stays the same. `react(answer, project_id)`
 * is called with each answer, null for none.
 */
export const estimator = (server, react) => {
  let asked = "";
  let latest = null;
  const refresh = async (name, key, values) => {
    if (activeJob() || key === asked) return;
    asked = key;
    const answer = await ask(server, name, values).catch(() => null);
    if (key !== asked) return; // asked again meanwhile
    latest = answer;
    react(latest, values.project_id);
  };
  return { refresh, latest: () => latest };
};
