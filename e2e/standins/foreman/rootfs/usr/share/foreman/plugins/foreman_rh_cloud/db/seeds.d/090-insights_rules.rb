ActiveRecord::Base.connection.execute(<<~SQL)
  INSERT INTO insights_rules (name, created_at, updated_at) VALUES ('Default', now(), now()) ON CONFLICT DO NOTHING
SQL
