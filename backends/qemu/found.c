/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/found.h"

#include "base/cleanup.h"
#include "base/memory.h"

static void tell_number(struct json *found, const char *name, int number)
{
	autofree char *text = memory_printf("%d", number);

	json_set_text(found, name, text);
}

void found_tell_http(struct job *job, const struct qemu_media *media)
{
	json_free(job->found);
	job->found = json_new_object();
	if (!media->http_ip)
		return;
	autofree char *address = memory_printf("%s:%d", media->http_ip, media->http_port);
	json_set_text(job->found, "PackerHTTPIP", media->http_ip);
	tell_number(job->found, "PackerHTTPPort", media->http_port);
	json_set_text(job->found, "PackerHTTPAddr", address);
}

void found_tell_address(struct job *job, const struct ssh_settings *ssh)
{
	const struct ssh_identity *who = &ssh->target.identity;

	if (!ssh->target.host)
		return;
	json_set_text(job->found, "ConnType", "ssh");
	json_set_text(job->found, "Host", ssh->target.host);
	tell_number(job->found, "Port", ssh->target.port);
	json_set_text(job->found, "User", who->username ? who->username : "");
	json_set_text(job->found, "Password", who->password ? who->password : "");
}
