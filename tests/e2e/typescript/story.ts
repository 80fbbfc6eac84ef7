// What the page's function is put through; the page's block stands before it.
import assert from "node:assert/strict";
import pg from "pg";

const [host, port, user, database, ...ids] = process.argv.slice(2);
const pool = new pg.Pool({ host, port: Number(port), user, database });
const pairs = [0, 2, 4, 6, 8, 10, 12].map((at) => [ids[at], ids[at + 1]] as const);
const never = new AbortController().signal;
const call = ([booking, hold]: readonly [string, string], limitMs: number, signal = never) =>
  confirm(pool, booking, hold, "key", limitMs, signal);

// Keeps others waiting for a row while something is done.
async function locked(sql: string, work: () => Promise<void>) {
  const blocker = await pool.connect();
  await blocker.query("begin");
  await blocker.query(sql);
  await work();
  await blocker.query("rollback");
  blocker.release();
}

const [told, late, lost, aborted, busy, ...commits] = pairs;
const row = await call(told, 4000);
console.log(JSON.stringify(row));
assert.deepEqual([row.outcome, row.replayed], ["confirmed", false]);
const again = await call(told, 4000);
assert.deepEqual([again.replayed, again.assignments], [true, row.assignments]);
assert.equal((await pool.query(FENCE, [told[0], "key", 0])).rows[0].outcome, "confirmed");

// A limit that passes.
await locked(`select from bookings where id = '${late[0]}' for update`, async () => {
  const began = Date.now();
  const row = await call(late, 200);
  assert.deepEqual([row.outcome, row.hold_released], ["timeout_before_confirm", true]);
  assert.ok(Date.now() - began >= 190);
});

// Errors that leave unknown what happened, while time is left: no fence, and the same call does it.
const impatient = new pg.Pool({ host, port: Number(port), user, database, statement_timeout: 200 });
const blocker = await pool.connect();
await blocker.query("begin");
await blocker.query("select from table_inventory for update");
const answer = confirm(impatient, ...busy, "key", 20000, never);
await setTimeout(500);
await blocker.query("rollback");
blocker.release();
assert.equal((await answer).outcome, "confirmed");

await impatient.end();

// And when none is left: fenced, and it stays so.
const query = (sql: string, values: unknown[]) =>
  sql === CONFIRM ? Promise.reject(new Error("the connection is lost")) : pool.query(sql, values);
const unreachable = { query } as unknown as pg.Pool;
assert.equal((await confirm(unreachable, ...lost, "key", 200, never)).outcome, "fenced");
assert.equal((await confirm(unreachable, ...told, "key", 200, never)).outcome, "confirmed");
assert.equal((await call(lost, 4000)).outcome, "fenced");

// The first call is lost, and in its COMMIT until the fence: neither a passed limit nor a last answer to retry speaks for it.
for (const options of ["", "-c lock_timeout=50 -c holdfast.retry_limit=0"]) {
  const [earlier, through] = [await pool.connect(), new pg.Pool({ host, port: Number(port), user, database, options })];
  const [calls, outcomes]: string[][] = [[], []];
  const pair = commits.shift()!;
  await earlier.query("begin");
  await earlier.query(CONFIRM, [...pair, "key", 60000]);
  const query = async (sql: string, values: unknown[]) => {
    if (calls.push(sql) === 1) throw new Error("the connection is lost");
    if (sql === FENCE) await earlier.query("commit");
    const answer = await through.query(sql, values);
    outcomes.push(answer.rows[0].outcome);
    return answer;
  };
  const row = await confirm({ query } as unknown as pg.Pool, ...pair, "key", 1000, never);
  assert.equal(outcomes[0], options ? "lock_timeout" : "timeout_before_confirm");
  assert.equal(row.outcome, "confirmed");
  assert.equal(calls.filter((sql) => sql === FENCE).length, 1);
  earlier.release();
  await through.end();
}

// Aborted before the call, and in the middle of one, which has 500 ms left then.
await locked("select from table_inventory for update", async () => {
  const controller = new AbortController();
  const answer = call(aborted, 600, controller.signal);
  setTimeout(100).then(() => controller.abort());
  assert.equal((await answer).outcome, "fenced");
});
assert.equal((await call(told, 4000, AbortSignal.abort())).outcome, "confirmed");

// What was undone since is not told as confirmed.
await pool.query("select from undo_confirm($1, $2)", [told[0], "key"]);
assert.equal((await call(told, 4000, AbortSignal.abort())).outcome, process.env.AFTER_UNDO);
await pool.end();
console.log("told");
