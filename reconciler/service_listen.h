/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `listen` of the service's file: where kiln-web is reached, and whose hooks it takes. kilnd reads it to know whether
 * there is anything to serve, kiln-web to serve it; neither opens a file of it here.
 */

#include <stddef.h>

#include "base/strings.h"
#include "reconciler/settings.h"

/* How a hook shows that its sender knows the secret. */
enum hook_kind {
	HOOK_NONE,
	HOOK_GITHUB, /* X-Hub-Signature-256: HMAC-SHA-256 of the body */
	HOOK_GITEA,  /* X-Gitea-Signature: the same */
	HOOK_GITLAB, /* X-Gitlab-Token: the secret itself */
	HOOK_PLAIN,  /* Authorization: Bearer, the secret itself */
	HOOK_KIND_COUNT
};

struct service_hook {
	char *repository; /* its name */
	char *kind_name;  /* as it is written */
	enum hook_kind kind;
	struct strings secret_files; /* any of them is taken */
};

struct service_listen {
	char *address;        /* NULL: nothing listens */
	char *token_file;     /* NULL: nothing can be changed from the page */
	struct strings hosts; /* further names that it is asked by */
	struct service_hook *hooks;
	size_t hook_count;
};
void service_listen_clear(struct service_listen *listen);

/* The object behind `listen`. */
int service_listen_read(
	struct settings_reader *reader, struct service_listen *listen, const struct json *value);
