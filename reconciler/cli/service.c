/* SPDX-License-Identifier: Apache-2.0 */
/* The service: run by a service manager, and told things by people. */
#include "reconciler/cli/cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "reconciler/cli/verbs.h"

static int run(struct session *session)
{
	autofree char *program = cli_find_kilnd();
	const char *arguments[CLI_KILND_WORDS];

	cli_kilnd_arguments(session, program, "--daemon", arguments);
	execv(program, (char *const *)arguments);
	cli_complain("%s: %s", program, strerror(errno));
	return 1;
}

const struct cli_verb cli_daemon = {
	.name = "daemon",
	.synopsis = "",
	.summary =
		"keep the catalog true to the configured repositories, for ever, in the foreground",
	.details = "Stopping or upgrading it does not stop a build: the next one takes it over.",
	.words = CLI_NOTHING,
	.run = run,
};

const struct cli_verb cli_reload = {
	.name = "reload",
	.synopsis = "",
	.summary = "let the daemon read its configuration again",
	.details = "One that is wrong is refused, and the old one stays. It also ends a drain.",
	.words = CLI_NOTHING,
};

const struct cli_verb cli_drain = {
	.name = "drain",
	.synopsis = "",
	.summary = "let the daemon begin nothing more, and wait until nothing is under way",
	.details = "It answers all the same. kiln reload, or a restart, lets it go on.",
	.words = CLI_NOTHING,
};
