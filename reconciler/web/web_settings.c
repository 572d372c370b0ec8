/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/web.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/service.h"

static int read_hook(const struct service_hook *from, struct hook *hook, struct error *err)
{
	hook->repository = memory_copy_text(from->repository);
	hook->kind = from->kind;
	hook->secrets = memory_new(from->secret_files.count * sizeof(*hook->secrets));
	strings_each (file, &from->secret_files)
		if (secret_read(file, &hook->secrets[hook->secret_count++], err) < 0)
			return fail_while(err, "the hook of %s", from->repository);
	return 0;
}

static int read_files(
	const struct service_listen *listen, struct web_settings *settings, struct error *err)
{
	settings->hooks = memory_new(listen->hook_count * sizeof(*settings->hooks));
	for (size_t i = 0; i < listen->hook_count; i++)
		if (read_hook(&listen->hooks[i], &settings->hooks[settings->hook_count++], err) < 0)
			return -1;
	if (listen->token_file && secret_read(listen->token_file, &settings->token, err) < 0)
		return fail_while(err, "listen.token_file");
	return 0;
}

int web_settings_read(const char *config, struct web_settings *settings, struct error *err)
{
	CLEANUP(service_clear) struct service service = {0};

	*settings = (struct web_settings){0};
	if (service_read(config, &service, err) < 0)
		return -1;
	settings->address = TAKE(service.listen.address);
	settings->state = TAKE(service.state);
	strings_add_all(&settings->hosts, &service.listen.hosts);
	for (size_t i = 0; i < service.repository_count; i++)
		strings_add(&settings->repositories, service.repositories[i]->name);
	if (read_files(&service.listen, settings, err) == 0)
		return 0;
	web_settings_clear(settings);
	return -1;
}

void web_settings_clear(struct web_settings *settings)
{
	for (size_t i = 0; i < settings->hook_count; i++) {
		struct hook *hook = &settings->hooks[i];
		for (size_t s = 0; s < hook->secret_count; s++)
			secret_clear(&hook->secrets[s]);
		free(hook->secrets);
		free(hook->repository);
	}
	free(settings->hooks);
	free(settings->address);
	free(settings->state);
	secret_clear(&settings->token);
	strings_clear(&settings->hosts);
	strings_clear(&settings->repositories);
	*settings = (struct web_settings){0};
}
