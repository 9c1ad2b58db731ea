// What Metabase's DuckDB driver (metabase_duckdb_driver 1.5.5.0) does to a file, with the JDBC driver it wraps:
// its connection properties, its metadata queries, questions with their values, and what must be refused.
// It reads commands from standard input, one a line with tabs between its parts, and answers each with lines that
// end with "."; tests/outputs/test_metabase_jdbc.py speaks to it.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

public class MetabaseDriver {
    private static final Map<String, Connection> CONNECTIONS = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            List<String> answer = new ArrayList<>();
            try {
                run(parts, answer);
            } catch (SQLException error) {
                answer.add("error\t" + error.getMessage().replaceAll("\\s+", " "));
            }
            for (String each : answer) {
                System.out.println(each);
            }
            System.out.println(".");
        }
    }

    private static void run(String[] parts, List<String> answer) throws SQLException {
        Connection connection = parts.length > 1 ? CONNECTIONS.get(parts[1]) : null;
        switch (parts[0]) {
            case "open" -> {
                // name, file, then properties: key, value, key, value ...
                Properties properties = new Properties();
                for (int at = 3; at + 1 < parts.length; at += 2) {
                    properties.setProperty(parts[at], parts[at + 1]);
                }
                CONNECTIONS.put(parts[1], DriverManager.getConnection("jdbc:duckdb:" + parts[2], properties));
            }
            case "close" -> CONNECTIONS.remove(parts[1]).close();
            case "query" -> {
                // name, SQL, then values: s or n, value, s or n, value ...
                try (PreparedStatement statement = connection.prepareStatement(parts[2])) {
                    for (int at = 3; at + 1 < parts.length; at += 2) {
                        Object value = parts[at].equals("s") ? parts[at + 1] : (Object) Double.valueOf(parts[at + 1]);
                        statement.setObject((at - 1) / 2, value);
                    }
                    if (statement.execute()) {
                        print(statement.getResultSet(), answer);
                    }
                }
            }
            case "run" -> {
                try (Statement statement = connection.createStatement()) {
                    if (statement.execute(parts[2])) {
                        print(statement.getResultSet(), answer);
                    }
                }
            }
            case "columns" -> {
                DatabaseMetaData metadata = connection.getMetaData();
                try (ResultSet rows = metadata.getColumns(null, "marts", null, null)) {
                    while (rows.next()) {
                        answer.add(
                            String.join("\t", rows.getString("TABLE_NAME"), rows.getString("COLUMN_NAME"),
                                rows.getString("TYPE_NAME"), String.valueOf(rows.getString("REMARKS"))));
                    }
                }
            }
            case "keys" -> {
                try (ResultSet rows = connection.getMetaData().getPrimaryKeys(null, "marts", parts[2])) {
                    while (rows.next()) {
                        answer.add(rows.getString("COLUMN_NAME"));
                    }
                }
            }
            default -> answer.add("error\tno such command");
        }
    }

    private static void print(ResultSet rows, List<String> answer) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        List<String> names = new ArrayList<>();
        for (int at = 1; at <= columns; at++) {
            names.add(rows.getMetaData().getColumnLabel(at));
        }
        answer.add("columns\t" + String.join("\t", names));
        while (rows.next()) {
            List<String> cells = new ArrayList<>();
            for (int at = 1; at <= columns; at++) {
                cells.add(String.valueOf(rows.getString(at)).replaceAll("\\s", " "));
            }
            answer.add("row\t" + String.join("\t", cells));
        }
        rows.close();
    }
}
