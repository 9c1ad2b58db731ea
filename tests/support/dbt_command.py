"""dbt as on its command line, in a process that tests.support.warm forks: python -m tests.support.dbt_command ARGUMENTS."""

import sys

from dbt.cli.main import dbtRunner

done = dbtRunner().invoke(sys.argv[1:])
if done.exception:
    print(done.exception, file=sys.stderr)
sys.exit(0 if done.success else 1)
