/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/client.h"

#include <stdarg.h>

#include "base/cleanup.h"

const char *client_verb(const struct client *client)
{
	return json_get_text(client->request, "verb", "");
}

const char *client_folder(const struct client *client)
{
	return json_get_text(client->request, "folder", "/");
}

const struct json *client_arguments(const struct client *client)
{
	return json_get(client->request, "arguments");
}

/* Takes over VALUE. */
static void give(struct client *client, const char *key, struct json *value)
{
	autojson struct json *message = json_new_object();

	json_set(message, key, value);
	if (!client->gone)
		message_queue(&client->link, message);
}

void client_item(struct client *client, struct json *item)
{
	give(client, "item", item);
}

void client_item_text(struct client *client, const struct text *item)
{
	struct text *out = &client->link.out;

	if (client->gone)
		return;
	text_add(out, "{\"item\":");
	text_add_bytes(out, item->data, item->size);
	text_add(out, "}\n");
}

void client_log(struct client *client, struct json *line)
{
	give(client, "log", line);
}

void client_note(struct client *client, const char *format, ...)
{
	autojson struct json *message = json_new_object();
	CLEANUP(text_clear) struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	json_set_text(message, "note", text_get(&text));
	if (!client->gone)
		message_queue(&client->link, message);
}

size_t client_said(const struct client *client)
{
	return client->link.out.size;
}

void client_take_back(struct client *client, size_t said)
{
	if (said < client->link.out.size) {
		client->link.out.size = said;
		client->link.out.data[said] = '\0';
	}
}

static void end(struct client *client, const char *error, int code)
{
	autojson struct json *message = json_new_object();

	if (client->ended)
		return;
	if (error)
		json_set_text(message, "error", error);
	json_set_integer(message, "end", code);
	if (!client->gone)
		message_queue(&client->link, message);
	client->ended = true;
}

void client_end(struct client *client, int code)
{
	end(client, NULL, code);
}

void client_fail(struct client *client, const struct error *err, int code)
{
	end(client, err->text, code);
}
