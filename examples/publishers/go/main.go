// Submits a project to Warren and waits for its result, with amqp091-go.
//
// usage: AMQP_URL=amqp://user:password@host/vhost go run . PLAYBOOK INPUT_JSON
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const timeout = 2 * time.Minute

type project struct {
	ID       string          `json:"id"`
	Playbook string          `json:"playbook"`
	Input    json.RawMessage `json:"input"`
}

type answer struct {
	Kind    string          `json:"kind"`
	Error   json.RawMessage `json:"error,omitempty"`
	Outcome *struct {
		Status string          `json:"status"`
		Output json.RawMessage `json:"output,omitempty"`
		Error  json.RawMessage `json:"error,omitempty"`
	} `json:"outcome,omitempty"`
}

func main() {
	output, err := run(os.Getenv("AMQP_URL"), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(output))
}

func run(url, playbook, input string) (json.RawMessage, error) {
	address, err := amqp.ParseURI(url)
	if err != nil {
		return nil, err
	}
	connection, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	replyTo := fmt.Sprintf("reply.%s--%s", address.Username, uuid()[:8])
	replies, err := listen(channel, replyTo)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := submit(ctx, channel, project{uuid(), playbook, json.RawMessage(input)}, replyTo); err != nil {
		return nil, err
	}
	return await(ctx, replies)
}

// listen makes a queue of our own, bound to our own key.
func listen(channel *amqp.Channel, replyTo string) (<-chan amqp.Delivery, error) {
	queue, err := channel.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		return nil, err
	}
	if err := channel.QueueBind(queue.Name, replyTo, "warren.replies", false, nil); err != nil {
		return nil, err
	}
	return channel.Consume(queue.Name, "", true, true, false, false, nil)
}

// submit returns once the broker has the message.
func submit(ctx context.Context, channel *amqp.Channel, work project, replyTo string) error {
	body, err := json.Marshal(work)
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	returned := channel.NotifyReturn(make(chan amqp.Return, 1))
	message := amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, ReplyTo: replyTo, Body: body,
	}
	confirm, err := channel.PublishWithDeferredConfirmWithContext(
		ctx, "warren.ingress", "project."+work.Playbook, true, false, message)
	if err != nil {
		return err
	}
	if taken, err := confirm.WaitContext(ctx); err != nil || !taken {
		return errors.Join(errors.New("the broker did not take the project"), err)
	}
	select {
	case back := <-returned:
		return fmt.Errorf("no queue takes it: %s", back.ReplyText)
	default:
		return nil
	}
}

// await waits for the answer after which none comes.
func await(ctx context.Context, replies <-chan amqp.Delivery) (json.RawMessage, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, errors.New("no result in time; the project goes on")
		case reply, open := <-replies:
			if !open {
				return nil, errors.New("the connection is lost; submit again with the same id")
			}
			var heard struct {
				Answer answer `json:"answer"`
			}
			if err := json.Unmarshal(reply.Body, &heard); err != nil {
				return nil, err
			}
			if output, err, last := end(heard.Answer, reply.Body); last {
				return output, err
			}
		}
	}
}

func end(said answer, body []byte) (json.RawMessage, error, bool) {
	switch {
	case said.Kind == "rejected":
		return nil, fmt.Errorf("%s", body), true
	case said.Kind != "finished":
		return nil, nil, false
	case said.Outcome.Status != "succeeded":
		return nil, fmt.Errorf("%s", body), true
	default:
		return said.Outcome.Output, nil, true
	}
}

// uuid gives a random UUID (version 4).
func uuid() string {
	raw := make([]byte, 16)
	rand.Read(raw)
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}
