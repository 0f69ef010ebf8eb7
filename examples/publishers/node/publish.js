// Submits a project to Warren and waits for its result, with amqplib.
// usage: AMQP_URL=amqp://user:password@host/vhost node publish.js PLAYBOOK INPUT_JSON
import { randomUUID } from "node:crypto";
import amqplib from "amqplib";

const TIMEOUT_MS = 120_000;
const [playbook, input] = process.argv.slice(2);

const connection = await amqplib.connect(process.env.AMQP_URL);
try {
  process.exitCode = await run(await connection.createConfirmChannel());
} finally {
  await connection.close();
}

async function run(channel) {
  const user = decodeURIComponent(new URL(process.env.AMQP_URL).username);
  const replyTo = `reply.${user}--${randomUUID().slice(0, 8)}`;
  const { end } = await listen(channel, replyTo);
  const project = { id: randomUUID(), playbook, input: JSON.parse(input) };
  await submit(channel, project, replyTo);
  return show(await end);
}

// A queue of our own, bound to our own key; `end` is a promise of the answer after which none comes.
async function listen(channel, replyTo) {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, "warren.replies", replyTo);
  let settle;
  const end = new Promise((resolve, reject) => {
    settle = resolve;
    const tooLong = () => reject(new Error("no result in time; the project goes on"));
    setTimeout(tooLong, TIMEOUT_MS).unref();
  });
  const hear = (message) => {
    const { answer } = JSON.parse(message.content.toString());
    if (answer.kind === "finished" || answer.kind === "rejected") settle(answer);
  };
  await channel.consume(queue, hear, { noAck: true });
  return { end };
}

async function submit(channel, project, replyTo) {
  const options = { contentType: "application/json", persistent: true, mandatory: true, replyTo };
  channel.publish("warren.ingress", `project.${project.playbook}`, Buffer.from(JSON.stringify(project)), options);
  await channel.waitForConfirms(); // from here on the broker has it
}

function show(answer) {
  if (answer.outcome?.status === "succeeded") {
    console.log(JSON.stringify(answer.outcome.output));
    return 0;
  }
  console.error(JSON.stringify(answer));
  return 1;
}
