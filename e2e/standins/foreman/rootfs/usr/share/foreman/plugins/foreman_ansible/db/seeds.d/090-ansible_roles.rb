ActiveRecord::Base.connection.execute(<<~SQL)
  INSERT INTO ansible_roles (name, created_at, updated_at) VALUES ('theforeman.foreman_scap_client', now(), now()) ON CONFLICT DO NOTHING
SQL
