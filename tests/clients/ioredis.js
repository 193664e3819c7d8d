// ioredis against contactd: what it sends on its own, replies of each kind, errors, a pipeline, and a restart.
// Arguments: port. Says "restart" when the daemon is to be restarted, and goes on when a line comes in.
const Redis = require('ioredis');
const readline = require('readline');

const list = '+14155550100';
const [, , port] = process.argv;
const say = (value) => console.log(JSON.stringify(value));

async function main() {
  const client = new Redis({ port: Number(port), enableReadyCheck: false });
  client.on('error', () => {}); // the connection is made again
  say(await client.ping());
  say(await client.call('LIST', list, JSON.stringify({ name: 'Spring sale' })));
  say(await client.call('OPTIN', list, '+14155550123', JSON.stringify({ source: 'web form 7' })));
  say(await client.call('CHECK', list, '+14155550123'));
  say(await client.call('CHECK', list, '+14155550123', '+14155550124'));
  say(await client.call('GET', '+14155550124'));
  say(JSON.parse(await client.call('GET', '+14155550123')).status);
  say(await client.call('INBOUND', list, '+14155550123', JSON.stringify({ text: ' Stop. ', id: 'SM1' })));
  await client.call('CHECK', list, 'nonsense').catch((error) => say(error.message.split(' ')[0]));
  const phones = Array.from({ length: 1000 }, (_, n) => `+1415${5560000 + n}`);
  const batch = client.pipeline();
  phones.forEach((phone) => batch.call('OPTIN', list, phone).call('CHECK', list, phone));
  const replies = await batch.exec();
  say([...new Set(replies.filter((_, n) => n % 2).map(([, verdict]) => verdict))]);
  say('restart');
  await new Promise((resume) => readline.createInterface({ input: process.stdin }).once('line', resume));
  say(await client.call('CHECK', list, '+14155550123'));
  await client.quit();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
