import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Submits a project to Warren and waits for its result, with RabbitMQ's own Java client.
 *
 * <p>usage: AMQP_URL=amqp://user:password@host/vhost java Publish PLAYBOOK INPUT_JSON
 */
public final class Publish {
  private static final long TIMEOUT_MS = 120_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    int code;
    try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
      String replyTo = "reply." + factory.getUsername() + "--" + UUID.randomUUID().toString().substring(0, 8);
      BlockingQueue<JsonNode> answers = listen(channel, replyTo);
      submit(channel, arguments[0], arguments[1], replyTo);
      code = show(await(answers));
    }
    System.exit(code);
  }

  /** A queue of our own, bound to our own key. */
  private static BlockingQueue<JsonNode> listen(Channel channel, String replyTo) throws Exception {
    BlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    String queue = channel.queueDeclare("", false, true, true, null).getQueue();
    channel.queueBind(queue, "warren.replies", replyTo);
    channel.basicConsume(queue, true, (tag, reply) -> answers.add(JSON.readTree(reply.getBody()).get("answer")), tag -> {});
    return answers;
  }

  /** Returns once the broker has the message. */
  private static void submit(Channel channel, String playbook, String input, String replyTo) throws Exception {
    ObjectNode project = JSON.createObjectNode();
    project.put("id", UUID.randomUUID().toString()).put("playbook", playbook).set("input", JSON.readTree(input));
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder().contentType("application/json").deliveryMode(2).replyTo(replyTo).build();
    channel.confirmSelect();
    channel.basicPublish("warren.ingress", "project." + playbook, properties, JSON.writeValueAsBytes(project));
    channel.waitForConfirmsOrDie(TIMEOUT_MS);
  }

  /** The answer after which none comes. */
  private static JsonNode await(BlockingQueue<JsonNode> answers) throws InterruptedException {
    while (true) {
      JsonNode answer = answers.poll(TIMEOUT_MS, TimeUnit.MILLISECONDS);
      if (answer == null) {
        throw new IllegalStateException("no result in time; the project goes on");
      }
      if (!answer.get("kind").asText().equals("accepted")) {
        return answer;
      }
    }
  }

  private static int show(JsonNode answer) {
    if (answer.at("/outcome/status").asText().equals("succeeded")) {
      System.out.println(answer.at("/outcome/output"));
      return 0;
    }
    System.err.println(answer);
    return 1;
  }
}
