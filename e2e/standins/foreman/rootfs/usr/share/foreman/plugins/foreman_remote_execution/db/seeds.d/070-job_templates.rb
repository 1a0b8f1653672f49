JobTemplate.create!(name: 'Run Command - Script Default', template: '<%= input("command") %>') unless JobTemplate.exists?
