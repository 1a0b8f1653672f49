{ 'foreman_url' => SETTINGS[:foreman_url], 'unattended_url' => SETTINGS[:foreman_url], 'entries_per_page' => '20' }.each do |name, value|
  Setting.store(name, value.to_s) unless Setting.exists?(name: name)
end
# The value that shows whether ENCRYPTION_KEY is still the one that the data was encrypted with.
Setting.store('root_pass', SecureRandom.hex(16), encrypted: true) unless Setting.exists?(name: 'root_pass')
