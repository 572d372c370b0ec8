/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/halt.h"

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/moment.h"

static const int64_t button_usec = 60 * 1000000LL, quit_usec = 20 * 1000000LL;

static int too_late(const struct halt_options *options, const char *what, struct error *err)
{
	CLEANUP(text_clear) struct text time = {0};

	duration_write_go(options->timeout_nsec, &time);
	return fail(err, ERROR_CATALOG, "the machine did not halt %s within %s (shutdown_timeout)",
		what, text_get(&time));
}

static int64_t usec_of(const struct halt_options *options)
{
	return options->timeout_nsec / 1000;
}

static int wait_for_itself(
	struct machine *machine, const struct halt_options *options, struct error *err)
{
	build_log_say(&machine->job->log, "waiting for the machine to halt");
	int ended = machine_wait(machine, usec_of(options), err);
	return ended > 0 ? 0 : ended < 0 ? -1 : too_late(options, "by itself", err);
}

/* Its exit code says nothing: the connection ends with the machine. 1 it halted. */
static int run_command(struct machine *machine, const struct halt_options *options,
	struct communicator *communicator, struct error *err)
{
	struct error ignored;
	int code;

	build_log_say(&machine->job->log, "halting the machine: %s", options->command);
	communicator->deadline_usec = moment_elapsed_usec() + usec_of(options);
	communicator->ops->run(communicator, options->command, &code, &ignored);
	communicator->deadline_usec = 0;
	return machine_wait(machine, usec_of(options), err);
}

static int press_button(struct machine *machine, int64_t timeout_usec, struct error *err)
{
	struct error ignored;

	build_log_say(&machine->job->log, "halting the machine: its power button");
	if (qmp_press_power(&machine->qmp, &ignored) < 0 && machine->qmp.gone)
		return machine_wait(machine, quit_usec, err);
	return machine_wait(machine, timeout_usec, err);
}

/* QEMU writes its own caches; those of the guest are lost. */
static int end_by_force(struct machine *machine, struct error *err)
{
	struct error ignored;

	build_log_say(&machine->job->log, "the machine does not halt: QEMU is told to quit, and "
					  "what the guest has not written "
					  "is lost (a shutdown_command helps)");
	qmp_quit(&machine->qmp, &ignored);
	int ended = machine_wait(machine, quit_usec, err);
	if (ended)
		return ended < 0 ? -1 : 0;
	build_log_say(&machine->job->log, "QEMU does not quit: it is killed");
	child_kill(&machine->child);
	return 0;
}

static int halt_it(struct machine *machine, const struct halt_options *options,
	struct communicator *communicator, bool *forced, struct error *err)
{
	int64_t button = usec_of(options) < button_usec ? usec_of(options) : button_usec;
	bool said = *options->command != '\0';
	int ended = 0;

	if (said) {
		ended = run_command(machine, options, communicator, err);
		if (ended)
			return ended < 0 ? -1 : 0;
		build_log_say(&machine->job->log, "the machine did not halt by shutdown_command");
	}
	ended = press_button(machine, button, err);
	if (ended)
		return ended < 0 ? -1 : 0;
	if (said)
		return too_late(options, "by shutdown_command", err);
	*forced = true;
	return end_by_force(machine, err);
}

int machine_halt(struct machine *machine, const struct halt_options *options,
	struct communicator *communicator, struct error *err)
{
	struct error ignored;
	bool forced = false;

	if ((communicator ? halt_it(machine, options, communicator, &forced, err)
			  : wait_for_itself(machine, options, err)) < 0)
		return -1;
	if (!forced && child_has_ended(&machine->child))
		return machine_check_end(machine, err);
	/* a guest that halted under -no-shutdown leaves QEMU behind */
	if (!child_has_ended(&machine->child)) {
		qmp_quit(&machine->qmp, &ignored);
		if (machine_wait(machine, quit_usec, err) < 0)
			return -1;
	}
	child_kill(&machine->child);
	return 0;
}
