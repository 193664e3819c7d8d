// node-redis against contactd: what it sends on its own, replies of each kind, errors, a batch, and a restart.
// Arguments: port. Says "restart" when the daemon is to be restarted, and goes on when a line comes in.
const { createClient } = require('redis');
const readline = require('readline');

const list = '+14155550100';
const [, , port] = process.argv;
const say = (value) => console.log(JSON.stringify(value));

async function main() {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', () => {}); // the connection is made again
  await client.connect();
  const ask = (...words) => client.sendCommand(words);
  say(await client.ping());
  say(await ask('LIST', list, JSON.stringify({ name: 'Spring sale' })));
  say(await ask('OPTIN', list, '+14155550123', JSON.stringify({ source: 'web form 7' })));
  say(await ask('CHECK', list, '+14155550123'));
  say(await ask('CHECK', list, '+14155550123', '+14155550124'));
  say(await ask('GET', '+14155550124'));
  say(JSON.parse(await ask('GET', '+14155550123')).status);
  say(await ask('INBOUND', list, '+14155550123', JSON.stringify({ text: ' Stop. ', id: 'SM1' })));
  await ask('CHECK', list, 'nonsense').catch((error) => say(error.message.split(' ')[0]));
  // Commands of one turn of the event loop are sent together.
  const phones = Array.from({ length: 1000 }, (_, n) => `+1415${5560000 + n}`);
  await Promise.all(phones.map((phone) => ask('OPTIN', list, phone)));
  const verdicts = await Promise.all(phones.map((phone) => ask('CHECK', list, phone)));
  say([...new Set(verdicts)]);
  say('restart');
  await new Promise((resume) => readline.createInterface({ input: process.stdin }).once('line', resume));
  say(await ask('CHECK', list, '+14155550123'));
  await client.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
