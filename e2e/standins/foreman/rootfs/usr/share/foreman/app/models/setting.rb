class Setting < ApplicationRecord
  def self.value(name)
    find_by(name: name)&.plain
  end

  def self.store(name, value, encrypted: false)
    find_or_initialize_by(name: name).update!(value: encrypted ? Foreman::Encryption.encrypt(value) : value, encrypted: encrypted)
  end

  def plain
    Foreman::Encryption.decrypt(value)
  end

  def readonly_by_file?
    Foreman::Settings.in_file?(name)
  end

  def as_json(*)
    { id: id, name: name, value: encrypted ? '*****' : (readonly_by_file? ? SETTINGS[name.to_sym] : value),
      readonly: readonly_by_file?, config_file: readonly_by_file? ? 'settings.yaml' : nil, encrypted: encrypted, updated_at: updated_at }
  end
end
