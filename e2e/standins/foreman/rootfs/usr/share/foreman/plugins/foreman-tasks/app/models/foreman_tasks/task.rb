module ForemanTasks
  # What people see of an execution plan; it follows the plan in the plan's own transactions.
  class Task < ApplicationRecord
    self.table_name = 'foreman_tasks_tasks'
    self.inheritance_column = nil

    def self.follow(plan)
      find_or_initialize_by(external_id: plan.id).update!(
        id: plan.id, label: plan.label, action: plan.label.demodulize.titleize, state: plan.state, result: plan.result, output: plan.output,
        hostname: plan.output['hostname'] || plan.hostname, started_at: plan.started_at || plan.created_at, ended_at: plan.ended_at,
        state_updated_at: Time.now
      )
    end

    def as_json(*)
      { id: id, label: label, action: action, state: state, result: result, external_id: external_id, started_at: started_at,
        ended_at: ended_at, pending: state != 'stopped', username: nil, hostname: hostname, output: output,
        humanized: { action: action, errors: [output['error']].compact } }
    end
  end
end
