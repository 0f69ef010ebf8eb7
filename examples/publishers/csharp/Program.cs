// Submits a project to Warren and waits for its result, with RabbitMQ.Client 7.
// Not run by our tests: there is no .NET on the machines that run them.
// usage: AMQP_URL=amqp://user:password@host/vhost dotnet run -- PLAYBOOK INPUT_JSON
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

var timeout = TimeSpan.FromMinutes(2);
var factory = new ConnectionFactory { Uri = new Uri(Environment.GetEnvironmentVariable("AMQP_URL")!) };
await using var connection = await factory.CreateConnectionAsync();
var confirming = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);
await using var channel = await connection.CreateChannelAsync(confirming);

var replyTo = $"reply.{factory.UserName}--{Guid.NewGuid().ToString()[..8]}";
var end = await Listen(channel, replyTo);
await Submit(channel, args[0], args[1], replyTo);
return Show(await end.Task.WaitAsync(timeout));

// A queue of our own, bound to our own key; completed with the answer after which none comes.
static async Task<TaskCompletionSource<JsonNode>> Listen(IChannel channel, string replyTo)
{
    var end = new TaskCompletionSource<JsonNode>();
    var queue = await channel.QueueDeclareAsync(queue: "", durable: false, exclusive: true, autoDelete: true);
    await channel.QueueBindAsync(queue.QueueName, "warren.replies", replyTo);
    var consumer = new AsyncEventingBasicConsumer(channel);
    consumer.ReceivedAsync += (_, reply) =>
    {
        var answer = JsonNode.Parse(reply.Body.Span)!["answer"]!;
        if ((string?)answer["kind"] is "finished" or "rejected") end.TrySetResult(answer);
        return Task.CompletedTask;
    };
    await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer);
    return end;
}

// Returns once the broker has the message, and throws if no queue takes it.
static async Task Submit(IChannel channel, string playbook, string input, string replyTo)
{
    var project = new JsonObject
    {
        ["id"] = Guid.NewGuid().ToString(),
        ["playbook"] = playbook,
        ["input"] = JsonNode.Parse(input),
    };
    var properties = new BasicProperties
    {
        ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent, ReplyTo = replyTo,
    };
    var body = Encoding.UTF8.GetBytes(project.ToJsonString());
    await channel.BasicPublishAsync("warren.ingress", $"project.{playbook}", mandatory: true, properties, body);
}

static int Show(JsonNode answer)
{
    if ((string?)answer["outcome"]?["status"] == "succeeded")
    {
        Console.WriteLine(answer["outcome"]!["output"]!.ToJsonString());
        return 0;
    }
    Console.Error.WriteLine(answer.ToJsonString());
    return 1;
}
