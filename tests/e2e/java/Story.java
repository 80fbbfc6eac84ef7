// What the page's class is put through; it stands behind the imports of the page's block.
class Story {
    static org.postgresql.ds.PGSimpleDataSource source(String[] at, String options) {
        var source = new org.postgresql.ds.PGSimpleDataSource();
        source.setServerNames(new String[] { "127.0.0.1" });
        source.setPortNumbers(new int[] { Integer.parseInt(at[0]) });
        source.setUser(at[1]);
        source.setDatabaseName(at[2]);
        source.setOptions(options);
        source.setSslMode("disable");
        return source;
    }

    static void is(Object found, Object expected) {
        if (!expected.equals(found)) throw new AssertionError("found " + found + ", expected " + expected);
    }

    /** A source whose connections lose each confirm. */
    static DataSource unreachable(DataSource source) {
        return (DataSource) proxy(DataSource.class, (of, method, arguments) -> {
            Object connection = method.invoke(source, arguments);
            return proxy(Connection.class, (ofIt, call, values) -> {
                if (call.getName().equals("prepareStatement") && values[0].equals(Confirm.CONFIRM)) {
                    throw new SQLException("the connection is lost", "08006");
                }
                return call.invoke(connection, values);
            });
        });
    }

    /** A source that loses the first confirm; an earlier one is in its COMMIT until the fence comes. */
    static DataSource losesTheFirst(DataSource source, Connection earlier) {
        var calls = new java.util.concurrent.atomic.AtomicInteger();
        return (DataSource) proxy(DataSource.class, (of, method, arguments) -> {
            Object connection = method.invoke(source, arguments);
            return proxy(Connection.class, (ofIt, call, values) -> {
                if (call.getName().equals("prepareStatement") && calls.incrementAndGet() == 1) {
                    throw new SQLException("the connection is lost", "08006");
                }
                if (call.getName().equals("prepareStatement") && values[0].equals(Confirm.FENCE)) earlier.commit();
                return call.invoke(connection, values);
            });
        });
    }

    static Object proxy(Class<?> kind, java.lang.reflect.InvocationHandler handler) {
        return java.lang.reflect.Proxy.newProxyInstance(Story.class.getClassLoader(), new Class<?>[] { kind }, handler);
    }

    interface Work { void run() throws Exception; }

    /** Keeps others waiting for rows while something is done, or for so long. */
    static void locked(DataSource source, String sql, long releasedAfterMs, Work work) throws Exception {
        try (Connection blocker = source.getConnection()) {
            blocker.setAutoCommit(false);
            blocker.createStatement().execute(sql);
            var releasing = new Thread(() -> {
                try {
                    Thread.sleep(releasedAfterMs);
                    blocker.rollback();
                } catch (InterruptedException stays) {
                    return;
                } catch (SQLException error) {
                    throw new RuntimeException(error);
                }
            });
            releasing.start();
            work.run();
            releasing.interrupt();
            releasing.join();
            blocker.rollback();
        }
    }

    static Answer confirm(DataSource source, String[] at, int pair, int limitMs) throws Exception {
        return Confirm.confirm(source, UUID.fromString(at[3 + 2 * pair]), UUID.fromString(at[4 + 2 * pair]), "key", limitMs);
    }

    public static void main(String[] at) throws Exception {
        var source = source(at, "");
        var impatient = source(at, "-c statement_timeout=200");
        Answer told = confirm(source, at, 0, 4000);
        System.out.println(told);
        is(told.outcome() + told.replayed(), "confirmedfalse");
        told = confirm(source, at, 0, 4000);
        is(told.outcome() + told.replayed(), "confirmedtrue");
        // A limit that passes.
        locked(source, "select from bookings where id = '" + at[5] + "' for update", 60_000, () -> {
            Answer late = confirm(source, at, 1, 200);
            is(late.outcome() + late.holdReleased(), "timeout_before_confirmtrue");
        });
        // Errors that leave unknown what happened, while time is left: no fence, and the same call does it.
        locked(source, "select from table_inventory for update", 500, () ->
            is(confirm(impatient, at, 2, 20_000).outcome(), "confirmed"));
        // And when none is left: fenced, and it stays so.
        is(confirm(unreachable(source), at, 3, 200).outcome(), "fenced");
        is(confirm(unreachable(source), at, 0, 200).outcome(), "confirmed");
        is(confirm(source, at, 3, 4000).outcome(), "fenced");
        // The first call is lost, and in its COMMIT: neither a passed limit nor a last answer to retry speaks for it.
        for (int pair : new int[] { 4, 5 }) {
            var through = source(at, pair == 4 ? "" : "-c lock_timeout=50 -c holdfast.retry_limit=0");
            try (var earlier = source.getConnection()) {
                earlier.setAutoCommit(false);
                String ids = "'" + at[3 + 2 * pair] + "', '" + at[4 + 2 * pair] + "'";
                earlier.createStatement().execute("select from atomic_confirm_and_transition_within(" + ids + ", 'key', 60000)");
                is(confirm(losesTheFirst(through, earlier), at, pair, 1000).outcome(), "confirmed");
            }
        }
        // What was undone since is not told as confirmed.
        try (var connection = source.getConnection(); var statement = connection.createStatement()) {
            statement.execute("select from undo_confirm('" + at[3] + "', 'key')");
        }
        is(confirm(unreachable(source), at, 0, 200).outcome(), System.getenv("AFTER_UNDO"));
        System.out.println("told");
    }
}
