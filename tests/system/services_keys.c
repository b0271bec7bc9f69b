/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of unit files, each through a process, file or socket that a user can touch: a case fails
 * when init ignores the key. `all-keys-tested` compares the list with what init accepts.
 */
#include "services.h"

/* Lines of [Service], and what the service's script must have written to `got`. */
static void expect(const char *lines, const char *script, const char *want)
{
	char text[1500];

	begin();
	snprintf(text, sizeof text, "[Service]\nExecStart=/bin/sh -c '( %s ) > @/part 2>&1; mv @/part @/got; sleep 100'\n%s\n",
		 script, lines);
	write_text(in_home("env"), "# c\nFROM_FILE=f1\nX=file\n");
	unit("a.service", text);
	boot("a.service");
	wait_until(!access(in_home("got"), F_OK));
	if (!strstr(slurp(in_home("got")), want))
		test_fail(__LINE__, "%s: got \"%.200s\", want \"%s\"", lines, slurp(in_home("got")), want);
	end();
}

static void workingdirectory(void) { expect("WorkingDirectory=/proc", "pwd", "/proc\n"); }
static void environment(void) { expect("Environment=A=1 \"B=two words\"", "echo $A-$B", "1-two words\n"); }
static void environmentfile(void) { expect("EnvironmentFile=@/env\nEnvironment=X=own", "echo $FROM_FILE-$X", "f1-own\n"); }
static void umask_key(void) { expect("UMask=0127", "umask", "0127\n"); }
static void nice_key(void) { expect("Nice=7", "cut -d\" \" -f19 /proc/self/stat", "7\n"); }
static void oomscoreadjust(void) { expect("OOMScoreAdjust=321", "cat /proc/self/oom_score_adj", "321\n"); }
static void nonewprivileges(void) { expect("NoNewPrivileges=yes", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"); }
static void cpuaffinity(void) { expect("CPUAffinity=1", "grep Cpus_allowed_list /proc/self/status", "Cpus_allowed_list:\t1\n"); }
static void user(void) { expect("User=nobody", "id -u; id -g", "65534\n65534\n"); }
static void group(void) { expect("User=nobody\nGroup=tty", "id -u; id -g", "65534\n5\n"); }
static void specifiers(void) { expect("Environment=N=%n P=%p", "echo $N $P $UNIT", "a.service a a.service\n"); }

static void scheduling(void)
{
	/* Fields 40 and 41 of stat: real-time priority and policy (2: round-robin). */
	expect("CPUSchedulingPolicy=rr\nCPUSchedulingPriority=7", "cut -d\" \" -f40,41 /proc/self/stat", "7 2\n");
}

struct limit_row {
	const char *key, *line;		/* the line of /proc/self/limits that it makes */
};

static void expect_limits(const struct limit_row *rows, int count)
{
	char lines[600] = "";

	for (int i = 0; i < count; i++)
		snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", rows[i].key);
	expect(lines, "cat /proc/self/limits", rows[0].line);
	for (int i = 0; i < count; i++)
		if (!strstr(slurp(in_home("got")), rows[i].line))
			test_fail(__LINE__, "%s has no effect: %s", rows[i].key, slurp(in_home("got")));
}

static void limits(void)
{
	static const struct limit_row rows[] = {
		{ "LimitNOFILE=77:99", "Max open files            77                   99" },
		{ "LimitCORE=4096", "Max core file size        4096                 4096" },
		{ "LimitFSIZE=1M", "Max file size             1048576              1048576" },
		{ "LimitNPROC=55", "Max processes             55                   55" },
		{ "LimitSTACK=1M", "Max stack size            1048576              1048576" },
		{ "LimitDATA=9M", "Max data size             9437184              9437184" },
		{ "LimitCPU=70", "Max cpu time              70                   70" },
		{ "LimitMEMLOCK=64K", "Max locked memory         65536                65536" },
		{ "LimitAS=600M", "Max address space         629145600            629145600" },
	};

	expect_limits(rows, sizeof rows / sizeof *rows);
}

/* Above what a machine starts with: takes CAP_SYS_RESOURCE. */
static void limits_raised(void)
{
	static const struct limit_row rows[] = {
		{ "LimitRTPRIO=3", "Max realtime priority     3                    3" },
		{ "LimitNICE=30", "Max nice priority         30                   30" },
	};

	expect_limits(rows, sizeof rows / sizeof *rows);
}

/* A file of the service's group. */
static char *group_file(const char *class, const char *file)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s/a.service/%s", group_root, class, file);
	return slurp(path);
}

/* Starts a.service with those lines. False when the kernel has no such limit (never on Linux): then it must not run. */
static bool in_group(const char *lines, const char *class, const char *file)
{
	char text[400];

	begin();
	snprintf(text, sizeof text, "[Service]\nExecStart=/bin/sleep 100\n%s\n", lines);
	unit("a.service", text);
	boot("a.service");
	if (file) {
		char path[300];

		snprintf(path, sizeof path, "%s/%s/%s", group_root, class, file);
		if (access(path, F_OK)) {
			check(is_state("a.service", "failed"));
			check(strstr(slurp(in_home("log/a.service.log")), file));
			return false;
		}
	}
	check_equal(atoi(group_file(class, "cgroup.procs")), main_pid("a.service"));
	return true;
}

static void tasksmax(void)
{
	if (in_group("TasksMax=17", "service", "pids.max"))
		check_equal(atoi(group_file("service", "pids.max")), 17);
	end();
}

static void memorymax(void)
{
	if (in_group("MemoryMax=32M", "service", "memory.max"))
		check_equal(atoi(group_file("service", "memory.max")), 32 << 20);
	end();
}

static void cpuweight(void)
{
	if (in_group("CPUWeight=77", "service", "cpu.weight"))
		check_equal(atoi(group_file("service", "cpu.weight")), 77);
	end();
}

static void cpuquota(void)
{
	if (in_group("CPUQuota=25%%", "service", "cpu.max"))
		check(!strcmp(group_file("service", "cpu.max"), "25000 100000\n"));
	end();
}

/* Two units per class: the second shows that it is the key that moves it, not its kind. */
static void priorityclass(void)
{
	static const char *const classes[] = { "system", "user", "service", "background", "interactive" };
	char names[200] = "";

	begin();
	for (int i = 0; i < 5; i++)
		for (int kind = 0; kind < 2; kind++) {
			char name[40], text[200];

			snprintf(name, sizeof name, "%s%d.service", classes[i], kind);
			snprintf(text, sizeof text, "[Unit]\nX-Kind=%s\n[Service]\nExecStart=/bin/sleep 100\nX-PriorityClass=%s\n",
				 kind ? "system" : "service", classes[i]);
			unit(name, text);
			snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", name);
		}
	boot(names);
	for (int i = 0; i < 10; i++) {
		char name[40], path[300];

		snprintf(name, sizeof name, "%s%d.service", classes[i / 2], i % 2);
		snprintf(path, sizeof path, "%s/%s/%s/cgroup.procs", group_root, classes[i / 2], name);
		check_equal(atoi(slurp(path)), main_pid(name));
	}
	end();
}

static void kind_system_group(void)
{
	in_group("[Unit]\nX-Kind=system", "system", NULL);
	check(!strcmp(get("a.service", "kind"), "system"));
	end();
}

static void kind_user(void)
{
	in_group("User=nobody\n[Unit]\nX-Kind=user", "user", NULL);
	check(!strcmp(get("a.service", "kind"), "user"));
	end();
}

/* Never killed for memory, unless it says otherwise. */
static void kind_monitoring(void)
{
	begin();
	unit("a.service", "[Unit]\nX-Kind=monitoring\n[Service]\nExecStart=/bin/sh -c 'cat /proc/self/oom_score_adj > @/a; sleep 100'\n");
	unit("b.service", "[Unit]\nX-Kind=monitoring\n[Service]\nOOMScoreAdjust=5\n"
	     "ExecStart=/bin/sh -c 'cat /proc/self/oom_score_adj > @/b; sleep 100'\n");
	boot("a.service b.service");
	wait_until(!strcmp(slurp(in_home("a")), "-1000\n"));
	wait_until(!strcmp(slurp(in_home("b")), "5\n"));
	end();
}

/* What would mean nothing is refused. */
static void kinds_refused(void)
{
	static const struct { const char *name, *text; bool is_good; } rows[] = {
		{ "a.service", "[Unit]\nX-Kind=group\n[Service]\nExecStart=/bin/sleep 100\n", false },
		{ "b.target", "[Unit]\nX-Kind=group\n", true },
		{ "c.service", "[Unit]\nX-Kind=user\n[Service]\nExecStart=/bin/sleep 100\n", false },
		{ "d.service", "[Unit]\nX-Kind=load-balancer\n[Service]\nExecStart=/bin/sleep 100\n", false },
		{ "e.socket", "[Unit]\nX-Kind=load-balancer\n[Socket]\nListenStream=@/e\n", false },
		{ "f.socket", "[Unit]\nX-Kind=load-balancer\n[Socket]\nListenStream=@/f\nX-Balance=round-robin\nService=w@.service\n", true },
		{ "g.service", "[Unit]\nX-Kind=discovery\n[Service]\nExecStart=/bin/sleep 100\n", false },
	};

	begin();
	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++)
		unit(rows[i].name, rows[i].text);
	boot("");
	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool is_refused = strstr(svctl("--json list %s", rows[i].name), ": X-Kind=");

		if (is_refused == rows[i].is_good)
			test_fail(__LINE__, "%s", rows[i].name);
	}
	end();
}

static void runtimedirectory(void)
{
	struct stat st;

	begin();
	unit("a.service", "[Service]\nUser=nobody\nRuntimeDirectory=services-test\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	check_ok(stat("/run/services-test", &st));
	check_equal(st.st_uid, 65534);
	end();
}

static void output_keys(void)
{
	begin();
	unit("log.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo to-log; echo to-err >&2'\n");
	unit("file.service", "[Service]\nType=oneshot\nStandardOutput=file:@/f\nStandardError=append:@/g\n"
	     "ExecStart=/bin/sh -c 'echo out; echo err >&2'\n");
	unit("null.service", "[Service]\nType=oneshot\nStandardOutput=null\nStandardError=inherit\nExecStart=/bin/sh -c 'echo n; echo m >&2'\n");
	write_text(in_home("f"), "old old old\n");
	write_text(in_home("g"), "old\n");
	boot("log.service file.service null.service");
	wait_until(strstr(slurp(in_home("log/log.service.log")), "to-err"));
	check(strstr(slurp(in_home("log/log.service.log")), "Z to-log\n"));
	check(!strcmp(slurp(in_home("f")), "out\n"));
	check(!strcmp(slurp(in_home("g")), "old\nerr\n"));
	check(!*slurp(in_home("log/null.service.log")));
	check(strstr(svctl("logs log.service"), "to-log"));
	end();
}

static void log_rotation(void)
{
	begin();
	unit("a.service", "[Service]\nType=oneshot\nX-LogMaxSize=4K\nExecStart=/bin/sh -c 'i=0; while [ $i -lt 400 ]; do "
	     "echo line $i of a log that is rotated; i=$((i+1)); done'\n");
	boot("a.service");
	wait_until(!access(in_home("log/a.service.log.3"), F_OK));
	check(access(in_home("log/a.service.log.4"), F_OK));
	check(strlen(slurp(in_home("log/a.service.log.1"))) <= 4096 + 4096);
	end();
}

static void killsignal(void)
{
	begin();
	unit("a.service", "[Service]\nKillSignal=USR1\nExecStart=/bin/sh -c 'trap \"echo usr1 > @/sig; exit\" USR1; touch @/up; while :; do sleep 0.05; done'\n");
	boot("a.service");
	wait_until(!access(in_home("up"), F_OK));
	svctl("stop a.service");
	check_equal(svctl_status, 0);
	check(!strcmp(slurp(in_home("sig")), "usr1\n"));
	check(is_state("a.service", "stopped"));
	end();
}

/* What reaches whom: TERM or KILL the second process, nobody at all with `none`. */
static void killmode_mixed_none(void)
{
	begin();
	write_text(in_home("second"), "#!/bin/sh\ntrap 'echo term >> %s/got' TERM\ntouch %s/up\nwhile :; do sleep 0.05; done\n", home, home);
	unit("a.service", "[Service]\nKillMode=mixed\nExecStart=/bin/sh -c '@/second & echo $! > @/a; exec sleep 100'\n");
	unit("b.service", "[Service]\nKillMode=none\nExecStop=/bin/touch @/asked\n"
	     "ExecStart=/bin/sh -c 'trap \"echo term >> @/got\" TERM; while ! test -e @/asked; do sleep 0.05; done'\n");
	boot("a.service b.service");
	wait_until(!access(in_home("up"), F_OK));
	int second = atoi(slurp(in_home("a")));

	svctl("stop a.service b.service");
	check_errno(kill(second, 0), ESRCH);
	check(access(in_home("got"), F_OK));	/* it was killed, not asked; b ended by its ExecStop= alone */
	check(is_state("a.service", "stopped") && is_state("b.service", "stopped"));
	end();
}

/* The second process of the unit: gone with `control-group`, spared by `process`. */
static void killmode(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sh -c 'setsid sleep 100 & echo $! > @/a; exec sleep 100'\n");
	unit("b.service", "[Service]\nKillMode=process\nExecStart=/bin/sh -c 'setsid sleep 100 & echo $! > @/b; exec sleep 100'\n");
	boot("a.service b.service");
	wait_until(*slurp(in_home("a")) && *slurp(in_home("b")));
	int a = atoi(slurp(in_home("a"))), b = atoi(slurp(in_home("b")));

	svctl("stop a.service b.service");
	check_errno(kill(a, 0), ESRCH);
	check_ok(kill(b, SIGKILL));
	end();
}

/* The other, which has the usual 5 s, was asked before and still has not ended. */
static void timeoutstop_kills(void)
{
	begin();
	unit("a.service", "[Service]\nTimeoutStopSec=300ms\nExecStart=/bin/sh -c 'trap \"\" TERM; touch @/up; while :; do sleep 0.05; done'\n");
	unit("b.service", "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; touch @/up2; while :; do sleep 0.05; done'\n");
	boot("a.service b.service");
	wait_until(!access(in_home("up"), F_OK) && !access(in_home("up2"), F_OK));
	svctl("stop b.service > /dev/null 2>&1 & true");
	wait_until(is_state("b.service", "stopping"));
	long long from = now_ms();

	svctl("stop a.service");
	check(now_ms() - from >= 290);
	check(is_state("a.service", "failed"));
	check(!strcmp(get("a.service", "result"), "timeout"));
	check(is_state("b.service", "stopping"));
	svctl("kill b.service KILL");
	end();
}

static void timeoutstart(void)
{
	begin();
	unit("a.service", "[Service]\nType=notify\nTimeoutStartSec=300ms\nExecStart=/bin/sleep 100\n");
	unit("b.service", "[Service]\nType=notify\nTimeoutSec=200ms\nExecStart=/bin/sleep 100\n");
	boot("a.service b.service");
	check(is_state("a.service", "failed") && is_state("b.service", "failed"));
	check(!strcmp(get("a.service", "result"), "timeout"));
	end();
}

static void exec_stages(void)
{
	begin();
	unit("a.service", "[Service]\nExecStartPre=/bin/sh -c 'echo pre >> @/steps'\nExecStartPre=-/bin/false\n"
	     "ExecStart=/bin/sleep 100\nExecStartPost=/bin/sh -c 'echo post $MAINPID >> @/steps'\n"
	     "ExecReload=/bin/sh -c 'echo reload >> @/steps'\nExecStop=/bin/sh -c 'echo stop >> @/steps'\n"
	     "ExecStopPost=/bin/sh -c 'echo after >> @/steps'\n");
	unit("b.service", "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/touch @/never\n");
	boot("a.service b.service");
	char want[100];
	int pid = main_pid("a.service");

	check(is_state("b.service", "failed") && access(in_home("never"), F_OK));
	svctl("reload a.service");
	check_equal(svctl_status, 0);
	wait_until(strstr(slurp(in_home("steps")), "reload"));
	svctl("stop a.service");
	snprintf(want, sizeof want, "pre\npost %d\nreload\nstop\nafter\n", pid);
	check(!strcmp(slurp(in_home("steps")), want));
	check_equal((svctl("reload a.service"), svctl_status), 7);
	end();
}

static void type_oneshot_remain(void)
{
	begin();
	unit("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo 1 >> @/x'\n"
	     "ExecStart=/bin/sh -c 'echo 2 >> @/x'\nExecStop=/bin/sh -c 'echo 3 >> @/x'\n");
	unit("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cp @/x @/y'\n");
	boot("b.service");
	check(!strcmp(slurp(in_home("y")), "1\n2\n"));
	check(is_state("a.service", "running") && is_state("b.service", "stopped"));
	svctl("stop a.service");
	check(!strcmp(slurp(in_home("x")), "1\n2\n3\n"));
	end();
}

static void type_forking(void)
{
	begin();
	unit("a.service", "[Service]\nType=forking\nPIDFile=@/pid\nRestart=always\n"
	     "ExecStart=/bin/sh -c 'sleep 100 & sleep 100 & echo $! > @/pid'\n");
	boot("a.service");
	int pid = main_pid("a.service");

	check_equal(pid, atoi(slurp(in_home("pid"))));
	check_ok(kill(pid, SIGKILL));
	wait_until(is_another("a.service", pid));
	check_equal(atoi(get("a.service", "restarts")), 1);
	end();
}

static void successexitstatus(void)
{
	begin();
	unit("a.service", "[Service]\nSuccessExitStatus=42\nExecStart=/bin/sh -c 'exit 42'\n");
	unit("b.service", "[Service]\nExecStart=/bin/sh -c 'exit 42'\n");
	unit("c.service", "[Service]\nExecStart=-/bin/sh -c 'exit 42'\n");
	boot("a.service b.service c.service");
	wait_until(is_state("a.service", "stopped") && is_state("b.service", "failed") && is_state("c.service", "stopped"));
	end();
}

static void conditions(void)
{
	begin();
	unit("a.service", "[Unit]\nConditionPath=/nothing/here\n[Service]\nExecStart=/bin/touch @/a\n");
	unit("b.service", "[Unit]\nConditionPathExists=!/nothing/here\n[Service]\nExecStart=/bin/touch @/b\n");
	unit("c.service", "[Unit]\nConditionDevice=no-such-thing\n[Service]\nExecStart=/bin/touch @/c\n");
	unit("d.service", "[Unit]\nConditionDevice=null\n[Service]\nExecStart=/bin/touch @/d\n");
	unit("e.service", "[Unit]\nConditionPathExists=/nothing/here\n[Service]\nExecStart=/bin/touch @/e\n");
	boot("a.service b.service c.service d.service e.service");
	wait_until(!access(in_home("b"), F_OK) && !access(in_home("d"), F_OK));
	check(access(in_home("a"), F_OK) && access(in_home("c"), F_OK) && access(in_home("e"), F_OK));
	check(!strcmp(get("a.service", "result"), "condition"));
	check(!strcmp(get("c.service", "result"), "condition"));
	check(!strcmp(get("e.service", "result"), "condition"));
	end();
}

static void description(void)
{
	begin();
	unit("a.service", "[Unit]\nDescription=what %n is for\nX-CommentOnIt=nobody reads this\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	check(!strcmp(get("a.service", "description"), "what a.service is for"));
	end();
}

static void version(void)
{
	begin();
	unit("lib.service", "[Unit]\nX-Version=1.9\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("a.service", "[Unit]\nRequires=lib.service\nX-Version=lib.service>=1.10\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("b.service", "[Unit]\nRequires=lib.service\nX-Version=lib.service>=1.9\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("b.service");
	check(is_state("b.service", "running"));
	svctl("start a.service");
	check_equal(svctl_status, 12);
	check(is_state("a.service", "stopped"));
	end();
}

/* Each action: init ends by itself and says why. */
static void end_actions(const char *key, const char *command)
{
	static const struct { const char *word, *said; } actions[] = {
		{ "poweroff", "Powering off (a.service)" }, { "reboot", "Rebooting (a.service)" }, { "halt", "Halting (a.service)" },
	};

	begin();
	unit("default.target", "[Unit]\nWants=a.service\n");
	for (int i = 0; i < 3; i++) {
		char text[300];

		snprintf(text, sizeof text, "[Unit]\n%s=%s\n[Service]\nExecStart=%s\n", key, actions[i].word, command);
		unit("a.service", text);
		launch(NULL);
		check_equal(wait_for(init_pid), 0);
		check(strstr(slurp(in_home("log/init.log")), actions[i].said));
		unlink(in_home("run/control"));
	}
}

static void failureaction(void) { end_actions("FailureAction", "/bin/sh -c 'sleep 0.2; exit 1'"); }
static void successaction(void) { end_actions("SuccessAction", "/bin/sleep 0.2"); }

static void unknown_key_refused(void)
{
	char want[200];

	begin();
	unit("bad.service", "[Service]\nExecStart=/bin/sleep 100\nPrivateTmp=yes\n");
	unit("good.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("bad.service good.service");
	check(is_state("good.service", "running"));
	snprintf(want, sizeof want, "%s/u/bad.service:3: unknown key PrivateTmp=", home);
	check(strstr(svctl("--json list bad.service"), want));
	check_equal((svctl("start bad.service"), svctl_status), 6);
	check_equal((svctl("verify %s", in_home("u/bad.service")), svctl_status), 6);
	check(strstr(svctl("verify %s", in_home("u/bad.service")), want));
	check_equal((svctl("verify %s", in_home("u/good.service")), svctl_status), 0);
	end();
}

/* Keys whose tests are in services_life.c and services_health.c. */
static const char elsewhere[] = " Requires Wants BindsTo PartOf Conflicts After Before StartLimitIntervalSec StartLimitBurst "
	"X-DependencyTimeoutSec X-OnDependencyUnhealthy X-Kind Type Restart RestartSec RestartMaxDelaySec WatchdogSec "
	"NotifyAccess StandardInput TTYPath X-HealthExec X-HealthTcp X-HealthHttp X-HealthIntervalSec X-HealthTimeoutSec "
	"X-HealthThreshold X-HealthKeep X-DrainSec X-Backend ListenStream ListenDatagram SocketMode Backlog Accept Service "
	"X-Balance X-Instances OnBootSec OnActiveSec OnUnitActiveSec OnUnitInactiveSec OnCalendar Unit WantedBy RequiredBy ";
static const char here[] = " Description ConditionPath ConditionPathExists ConditionDevice SuccessAction FailureAction X-Version "
	"ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost TimeoutStartSec TimeoutStopSec TimeoutSec User "
	"Group WorkingDirectory RuntimeDirectory Environment EnvironmentFile LimitAS LimitCORE LimitCPU LimitDATA LimitFSIZE "
	"LimitMEMLOCK LimitNICE LimitNOFILE LimitNPROC LimitRTPRIO LimitSTACK MemoryMax CPUQuota CPUWeight TasksMax CPUAffinity "
	"CPUSchedulingPolicy CPUSchedulingPriority Nice OOMScoreAdjust UMask NoNewPrivileges KillMode KillSignal "
	"SuccessExitStatus RemainAfterExit PIDFile StandardOutput StandardError X-PriorityClass X-LogMaxSize ";

static void all_keys_tested(void)
{
	char *keys, *line, word[80];
	int count = 0;

	begin();
	keys = svctl("keys");
	while ((line = strsep(&keys, "\n"))) {
		if (!strchr(line, '.'))
			continue;
		snprintf(word, sizeof word, " %s ", strchr(line, '.') + 1);
		if (!strstr(here, word) && !strstr(elsewhere, word))
			test_fail(__LINE__, "%s has no test", line);
		count++;
	}
	check(count > 80);
}

static const struct test table[] = {
	{ "all-keys-tested", all_keys_tested }, { "WorkingDirectory", workingdirectory }, { "Environment", environment },
	{ "EnvironmentFile", environmentfile }, { "UMask", umask_key }, { "Nice", nice_key },
	{ "OOMScoreAdjust", oomscoreadjust }, { "NoNewPrivileges", nonewprivileges }, { "CPUAffinity", cpuaffinity },
	{ "User", user }, { "Group", group }, { "specifiers", specifiers }, { "CPUSchedulingPolicy", scheduling },
	{ "Limits", limits }, { "Limits-raised", limits_raised }, { "TasksMax", tasksmax }, { "MemoryMax", memorymax }, { "CPUQuota", cpuquota }, { "CPUWeight", cpuweight },
	{ "X-PriorityClass", priorityclass }, { "X-Kind-system", kind_system_group }, { "X-Kind-user", kind_user }, { "X-Kind-monitoring", kind_monitoring }, { "X-Kind-refused", kinds_refused },
	{ "RuntimeDirectory", runtimedirectory }, { "StandardOutput-Error", output_keys }, { "X-LogMaxSize", log_rotation },
	{ "KillSignal", killsignal }, { "KillMode", killmode }, { "KillMode-mixed-none", killmode_mixed_none }, { "TimeoutStopSec", timeoutstop_kills },
	{ "TimeoutStartSec", timeoutstart }, { "Exec-stages", exec_stages }, { "oneshot-RemainAfterExit", type_oneshot_remain },
	{ "forking-PIDFile", type_forking }, { "SuccessExitStatus", successexitstatus }, { "Conditions", conditions },
	{ "Description", description }, { "X-Version", version }, { "FailureAction", failureaction },
	{ "SuccessAction", successaction }, { "unknown-key-refused", unknown_key_refused }, { 0 },
};

TEST_MAIN(table)
