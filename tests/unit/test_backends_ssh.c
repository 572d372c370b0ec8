/* SPDX-License-Identifier: Apache-2.0 */
/* What of the communicator ssh needs no server: words, options, and proxies and files that are told by hand. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/plugins/ssh_options.h"
#include "backends/ssh/channel.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/moment.h"
#include "tests/unit/check.h"

static struct job job = {.log = {.fd = -1}, .work_fd = -1, .tree_fd = -1, .folder_fd = -1};
static struct communicator communicator = {.job = &job};

static void quotes(const char *path, const char *wanted)
{
	CLEANUP(text_clear) struct text word = {0};

	quote_path(path, &word);
	CHECK_TEXT(text_get(&word), wanted, "%s as a word", path);
}

static struct json *parse(const char *text)
{
	struct json *value = NULL;
	struct error err;

	json_parse_bytes(text, strlen(text), &value, &err);
	return value;
}

static void refuses(const char *text, const char *wanted)
{
	autojson struct json *options = parse(text);
	const char *why = ssh_options_unsupported(options);

	CHECK(wanted ? why && strstr(why, wanted) : !why, "%s: %s", text, why ? why : "good");
}

static void reads_defaults(void)
{
	autojson struct json *options =
		parse("{\"ssh_host\":\"h\",\"ssh_username\":\"u\",\"ssh_wait_timeout\":7000000000,"
		      "\"ssh_ciphers\":[\"a\",\"b\"],\"ssh_bastion_host\":\"b\"}");
	struct ssh_settings settings = {0};
	struct error err;

	CHECK(ssh_settings_read(&job, options, &settings, &err) == 0, "settings are read");
	CHECK(settings.target.port == 22 && settings.bastion.port == 22 &&
			settings.proxy_port == 1080 && settings.handshake_attempts == 10,
		"with Packer's defaults");
	CHECK(settings.timeout_nsec == 7000000000 && settings.keep_alive_nsec == 5000000000,
		"durations are nanoseconds, and the old name counts");
	CHECK_TEXT(settings.ciphers, "a,b", "lists are as libssh2 wants them");
	CHECK(!settings.sftp && !settings.pty && !settings.proxy_host &&
			!settings.target.identity.password,
		"what is not given is not there");
	ssh_settings_clear(&settings);
}

/* ---- a proxy that says ANSWERS, whatever it hears ---- */

static int ask_proxy(
	const struct ssh_settings *settings, const void *answers, size_t size, struct error *err)
{
	struct patience patience = {&communicator, moment_elapsed_usec() + 1000 * 1000, "the test"};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return fail(err, ERROR_BROKEN, "socketpair");
	if (write(ends[1], answers, size) != (ssize_t)size)
		return fail(err, ERROR_BROKEN, "write");
	shutdown(ends[1], SHUT_WR);
	int result = socks_connect(settings, "host.example", 22, ends[0], &patience, err);
	close(ends[0]);
	close(ends[1]);
	return result;
}

#define PROXY(settings, answers, err) ask_proxy(settings, answers, sizeof(answers) - 1, err)

static void talks_to_proxies(void)
{
	char user[] = "me", password[] = "secret";
	struct ssh_settings nobody = {0};
	struct ssh_settings somebody = {.proxy_username = user, .proxy_password = password};
	struct error err = {0};

	CHECK(PROXY(&nobody, "\5\0\5\0\0\1\0\0\0\0\0\0", &err) == 0, "a proxy that connects");
	CHECK(PROXY(&nobody, "\5\0\5\0\0\3\4name\0\0", &err) == 0, "from an address with a name");
	CHECK(PROXY(&somebody, "\5\2\1\0\5\0\0\4................\0\0", &err) == 0, "after a login");
	CHECK(PROXY(&somebody, "\5\2\1\1", &err) < 0 && strstr(err.text, "refuses"),
		"that refuses the login");
	CHECK(PROXY(&nobody, "\5\2", &err) < 0 && strstr(err.text, "login"),
		"that chooses a login which was not offered");
	CHECK(PROXY(&nobody, "\5\0\5\5\0\1", &err) < 0 && strstr(err.text, "refused"),
		"that cannot connect");
	CHECK(PROXY(&nobody, "\5\0\5\377\0\1", &err) < 0, "for a reason that nobody knows");
	CHECK(PROXY(&nobody, "HTTP/1.1 400 Bad Request\r\n", &err) < 0 &&
			strstr(err.text, "SOCKS5"),
		"that is no SOCKS proxy");
	CHECK(PROXY(&nobody, "\5\0\5\0\0\1\0\0", &err) < 0 && strstr(err.text, "hung up"),
		"that hangs up");
}

/* ---- files that the other side names ---- */

static void receives(int folder)
{
	static const char *const bad[] = {"", ".", "..", "../up", "/etc/passwd", "a/b"};
	struct error err;
	struct stat status;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(receive_file(folder, bad[i], 0644, &err) < 0, "no file called '%s'", bad[i]);
		CHECK(receive_folder(folder, bad[i], 0755, &err) < 0, "no such folder either");
	}
	int fd = receive_file(folder, "good", 04755, &err);
	CHECK(fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & 07777) == 0755,
		"a plain name is a file of that mode, without more");
	close(fd);
	CHECK(symlinkat("/tmp", folder, "link") == 0 &&
			receive_file(folder, "link", 0644, &err) < 0 &&
			receive_folder(folder, "link", 0755, &err) < 0,
		"a link is not followed");
}

struct listing {
	struct walk walk;
	struct text seen;
};

static int note(struct walk *walk, const char *path, mode_t mode, struct error *err)
{
	(void)mode, (void)err;
	text_addf(&((struct listing *)walk)->seen, "%s/ ", path);
	return 0;
}

static int note_file(struct walk *walk, const char *path, int fd, mode_t mode, struct error *err)
{
	(void)fd, (void)mode, (void)err;
	text_addf(&((struct listing *)walk)->seen, "%s ", path);
	return 0;
}

static void walks(int folder)
{
	struct listing listing = {.walk = {note, NULL, note_file, folder, NULL}};
	struct error err = {0};

	mkdirat(folder, "in", 0755);
	close(openat(folder, "in/file", O_CREAT | O_WRONLY, 0644));
	unlinkat(folder, "link", 0);
	CHECK(symlinkat("in", folder, "zlink") == 0 && walk_folder(&listing.walk, &err) == 0,
		"a folder is walked");
	CHECK_TEXT(text_get(&listing.seen), "good in/ in/file zlink/ zlink/file ",
		"in order, links as what they lead to");
	CHECK(symlinkat("..", folder, "zz") == 0 && walk_folder(&listing.walk, &err) < 0 &&
			strstr(err.text, "leads out"),
		"but not out of it");
	unlinkat(folder, "zz", 0);
	CHECK(symlinkat(".", folder, "zz") == 0 && walk_folder(&listing.walk, &err) < 0,
		"nor for ever round");
	text_clear(&listing.seen);
}

int main(void)
{
	char path[] = "/tmp/kiln-ssh-XXXXXX";
	struct error err;

	if (!mkdtemp(path))
		return 1;
	int folder = open(path, O_RDONLY | O_DIRECTORY);
	quotes("/tmp/x", "/tmp/x");
	quotes("c:/Windows/Temp/x.ps1", "c:/Windows/Temp/x.ps1");
	quotes("a b'c", "'a b'\\''c'");
	quotes("-rf", "'./-rf'");
	quotes("~/x y", "~'/x y'");
	quotes("~root", "~root");
	quotes("~$(id)/x", "'~$(id)/x'");
	refuses("{\"ssh_host\":\"h\",\"ssh_username\":\"u\"}", NULL);
	refuses("{\"ssh_port\":65536}", "ssh_port");
	refuses("{\"ssh_bastion_host\":\"b\"}", "ssh_bastion_username");
	refuses("{\"ssh_certificate_file\":\"c\"}", "certificate");
	reads_defaults();
	talks_to_proxies();
	receives(folder);
	walks(folder);
	close(folder);
	folder_remove(AT_FDCWD, path, &err);
	return check_done();
}
